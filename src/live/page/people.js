// The people: a card for each, the most worrying first, and the moment that says most of one of them.

import { known } from "./events.js";
import { attribute, clock, element, icon, nameOf, part, rank, write } from "./icons.js";
import { lineTone, trend } from "./timeline.js";
import * as words from "./words.js";

/** Cards change places no more often than this, in milliseconds, and stay so long when somebody left. */
const CALM = 2000;
/** A face is asked for again after this time, in milliseconds. */
const FACE = 2000;
/** With more people than this the cards are small. */
const FEW = 6;
const cards = new Map();
/** The time of the moment that was shown last, of each feed: who was in it is there, however late we are. */
const shown = [];
let sorted = 0;
let opened = null;

/** For how long a person was in no moment, in milliseconds of the program's clock. */
const away = (card) => (shown[card.feed] ?? card.at) - card.at;
const keyOf = (feed, person) => `${feed.number}-${person.track}`;

/** Forgets everybody: the program began anew. */
export function begin() {
  cards.forEach((card) => card.root.remove());
  cards.clear();
  shown.length = 0;
}

/** Shows who is in a feed. */
export function show(feed) {
  const now = performance.now();
  shown[feed.number] = feed.moment.at;
  for (const person of feed.moment.persons) {
    const key = keyOf(feed, person);
    const card = cards.get(key) ?? newCard(feed, person, key);
    card.person = person;
    card.at = feed.moment.at;
    card.feed = feed.number;
    draw(card);
  }
  if (!sorted || now - sorted > CALM) sort(now);
}

/** Puts the most worrying first and lets those go who left; of equal ones the order stays. */
function sort(now) {
  sorted = now;
  for (const [key, card] of cards) {
    if (away(card) < CALM) continue;
    card.root.remove();
    cards.delete(key);
  }
  const list = part("people");
  const order = [...cards.values()].sort((one, other) => rank(one.person) - rank(other.person) || one.place - other.place);
  const focused = document.activeElement;
  let moved = false;
  order.forEach((card, at) => {
    card.place = at;
    if (list.children[at] === card.root) return;
    list.insertBefore(card.root, list.children[at] ?? null);
    moved = true;
  });
  // A card that changes places keeps the keyboard.
  if (moved && focused !== document.activeElement && list.contains(focused)) focused.focus({ preventScroll: true });
}

function newCard(feed, person, key) {
  const name = nameOf(known.feeds, feed.number, person.track);
  const card = { key, name, at: feed.moment.at, asked: 0, place: cards.size, feed: feed.number, person };
  card.face = element("img", { alt: "", width: 72, height: 72 });
  card.face.addEventListener("error", () => (card.face.hidden = true));
  card.face.addEventListener("load", () => (card.face.hidden = false));
  card.face.hidden = true;
  card.verdict = element("strong", {});
  card.said = element("p", { className: "verdict" }, icon(null), card.verdict);
  card.reason = element("p", { className: "reason" });
  const sample = element("i", { ariaHidden: "true" });
  sample.style.background = lineTone(feed.number, person.track);
  card.who = element("span", { textContent: words.personName(name) });
  card.value = element("span", { className: "value" });
  card.value.dataset.label = words.VALUE;
  card.age = element("span", { className: "age" });
  card.trend = element("canvas", { width: 96, height: 28 });
  card.trend.setAttribute("role", "img");
  card.trend.setAttribute("aria-label", words.trendLabel(name));
  card.why = element("button", { type: "button", textContent: words.WHY, ariaLabel: `${words.WHY} ${words.personName(name)}` });
  card.why.addEventListener("click", () => open(card));
  card.root = element(
    "li",
    { className: "person", id: `person-${key}` },
    element("div", { className: "face" }, card.face),
    element("div", { className: "said" }, card.said, card.reason, element("p", { className: "who" }, sample, card.who, card.age)),
    element("div", { className: "numbers" }, card.value, card.trend, card.why),
  );
  cards.set(key, card);
  part("people").append(card.root);
  return card;
}

function draw(card) {
  const { person } = card;
  if (card.drawn !== person.verdict) {
    card.drawn = person.verdict;
    card.root.className = `person ${person.verdict ?? "none"}`;
    card.said.firstChild.replaceWith(icon(person.verdict));
    write(card.verdict, words.said(person.verdict));
  }
  write(card.reason, words.because(person));
  write(card.value, person.probability === null ? "" : person.probability.toFixed(2));
  write(card.age, person.scored_age_ms > 3000 ? words.old(person.scored_age_ms / 1000) : "");
  card.why.disabled = !person.strongest;
}

/** What changes by the clock: faces, trends, how many there are. */
export function tick() {
  const now = performance.now();
  if (now - sorted > CALM) sort(now);
  const counts = {};
  for (const card of cards.values()) {
    const left = away(card) > 1000;
    card.root.classList.toggle("left", left);
    if (left) write(card.reason, words.LEFT);
    else if (card.person.verdict) counts[card.person.verdict] = (counts[card.person.verdict] ?? 0) + 1;
    trend(card.trend, card.feed, card.person.track);
    if (!left && !document.hidden && !known.gone && now - card.asked > FACE) {
      card.asked = now;
      const heat = part("heat").checked ? "&heat=1" : "";
      card.face.src = `api/face.jpg?feed=${card.feed}&track=${card.person.track}${heat}&at=${Math.round(now)}`;
    }
  }
  part("people").classList.toggle("many", cards.size > FEW);
  part("people").classList.toggle("pair", cards.size <= 2);
  part("nobody").hidden = cards.size > 0;
  const playing = known.feeds.some((feed) => feed.moment?.source.state === "playing");
  write(part("nobody-words"), !known.feeds.length ? words.sourceWords(null) : playing ? words.NOBODY : words.NOBODY_WATCHED);
  write(part("summary"), cards.size > 1 ? words.summary(counts) : "");
  const title = words.titleOf(counts, known.feeds.map((feed) => feed.facts.name));
  if (document.title !== title) document.title = title;
}

/** Opens the moment that says most of a person. */
function open(card) {
  const { person, name } = card;
  opened = card;
  write(part("why-title"), words.whyTitle(words.personName(name), person.verdict));
  part("why").className = person.verdict ?? "none";
  write(part("why-reason"), words.explained(person));
  const { at, probability } = person.strongest;
  write(part("why-moment"), words.whyMoment(person.verdict, clock(at + known.lead), probability.toFixed(2)));
  write(part("why-advice"), words.ADVICE);
  for (const [id, heat] of [["why-plain", 0], ["why-heat", 1]]) {
    part(id).src = `api/strongest.jpg?feed=${card.feed}&track=${person.track}&heat=${heat}&at=${at}`;
  }
  part("why").showModal();
}

export function wire() {
  part("why").addEventListener("click", (event) => event.target === part("why") && part("why").close());
  part("why-close").addEventListener("click", () => part("why").close());
  part("why").addEventListener("close", () => {
    // A card that was made anew meanwhile takes the keyboard in place of the old one.
    // The event comes late: who is elsewhere by then stays there.
    if (opened && document.activeElement === document.body) cards.get(opened.key)?.why.focus();
    opened = null;
  });
}
