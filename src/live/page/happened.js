// What happened, the newest first; and what of it is said to who reads screens by ear.

import { known } from "./events.js";
import { clock, element, icon, nameOf, part } from "./icons.js";
import * as words from "./words.js";

/** More rows are not kept. */
const MOST = 300;
/** Between two announcements, in milliseconds: what comes meanwhile is said together. */
const BREATH = 3000;
let waiting = [];
let spoke = 0;

/** All that happened before we came. */
export function begin() {
  part("happened").replaceChildren();
  const all = known.feeds.flatMap((feed) => feed.happened);
  add(all.sort((one, other) => one.at - other.at).slice(-MOST), false);
}

/** Adds what happened; it is said aloud when it is `fresh`. */
export function add(news, fresh) {
  for (const each of news) {
    part("happened").prepend(row(each));
    if (fresh) waiting.push(aloud(each));
  }
  while (part("happened").children.length > MOST) part("happened").lastChild.remove();
  part("nothing").hidden = part("happened").children.length > 0;
  if (fresh) speak();
}

function row(each) {
  const when = new Date(each.at + known.lead);
  const time = element("time", { dateTime: when.toISOString(), textContent: clock(when) });
  const several = known.feeds.length > 1;
  const source = known.feeds[each.feed].facts.name;
  if (each.state) {
    const line = element("span", { className: "line" }, element("b", { textContent: words.changed[each.state] }));
    const told = [several ? source : null, each.reason].filter(Boolean).join(": ");
    const more = told ? element("span", { className: "soft", textContent: told }) : "";
    return element("li", { className: `change ${each.state}` }, time, icon(null), element("div", {}, line, more));
  }
  const line = element(
    "span",
    { className: "line" },
    `${words.personName(nameOf(known.feeds, each.feed, each.track))}: `,
    element("b", { textContent: words.said(each.to).toLowerCase() }),
  );
  const reason = each.reason ? `${words.REASONS[each.reason] ?? each.reason}, ` : "";
  const more = element("span", { className: "soft", textContent: `${reason}${words.turned(each.from)}, p ${each.probability.toFixed(2)}` });
  return element("li", { className: each.to }, time, icon(each.to), element("div", {}, line, more));
}

function aloud(each) {
  return each.state
    ? words.announcedChange(known.feeds[each.feed].facts.name, each)
    : words.announced(nameOf(known.feeds, each.feed, each.track), each);
}

function speak() {
  const now = performance.now();
  if (!waiting.length || now - spoke < BREATH) return;
  spoke = now;
  part("said").textContent = `${waiting.slice(-4).join(". ")}.`;
  waiting = [];
}

export const tick = speak;

export function wire() {
  part("only").addEventListener("change", () => part("happened").classList.toggle("only", part("only").checked));
}
