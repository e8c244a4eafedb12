// The narrow view: who is watched, and what is said of whom, the most worrying first. No pictures.

import { known, listen, showRecord } from "./events.js";
import { attribute, element, icon, nameOf, part, rank, write } from "./icons.js";
import * as words from "./words.js";

/** Rows change places no more often than this, in milliseconds. */
const CALM = 2000;
let cards = [];

function begin() {
  cards = known.feeds.map((feed) => {
    const { name, kind, whole } = feed.facts;
    const lamp = element("span", { className: "lamp", ariaHidden: "true" });
    const how = element("span", { className: "how", textContent: words.sourceWords(null, true) });
    const list = element("ul", {});
    const more = element("p", { className: "soft", textContent: whole ? "" : `${words.KINDS[kind]}: ${words.FACES_ONLY}` });
    const root = element("section", { className: "feed" }, element("h2", {}, lamp, element("span", { textContent: name }), how), more, list);
    return { root, how, more, list, rows: new Map(), sorted: 0, shown: 0, whole };
  });
  part("feeds").replaceChildren(...cards.map((card) => card.root));
  showRecord(part("record"));
}

function show(feed) {
  const card = cards[feed.number];
  const { source, persons } = feed.moment;
  const now = performance.now();
  card.shown = feed.moment.at;
  attribute(card.root, "data-state", source.state);
  write(card.how, words.sourceWords(source, true));
  for (const person of persons) {
    const row = card.rows.get(person.track) ?? newRow(card, feed, person);
    row.at = card.shown;
    row.person = person;
    if (row.drawn !== person.verdict) {
      row.drawn = person.verdict;
      row.root.className = `row ${person.verdict ?? "none"}`;
      row.root.firstChild.replaceWith(icon(person.verdict));
      write(row.verdict, words.said(person.verdict));
    }
    write(row.value, person.probability === null ? "" : person.probability.toFixed(2));
    write(row.reason, person.verdict === "authentic" ? "" : words.because(person));
  }
  if (now - card.sorted > CALM) sort(card, now);
}

function newRow(card, feed, person) {
  const name = nameOf(known.feeds, feed.number, person.track);
  const row = { place: card.rows.size, verdict: element("strong", {}), value: element("span", { className: "value" }), reason: element("p", { className: "soft" }) };
  row.root = element("li", { className: "row none" }, icon(null), element("p", {}, row.verdict, ` ${words.personName(name)}`), row.value, row.reason);
  card.rows.set(person.track, row);
  card.list.append(row.root);
  return row;
}

function sort(card, now) {
  card.sorted = now;
  for (const [track, row] of card.rows) {
    if (card.shown - row.at < CALM) continue;
    row.root.remove();
    card.rows.delete(track);
  }
  const order = [...card.rows.values()].sort((one, other) => rank(one.person) - rank(other.person) || one.place - other.place);
  order.forEach((row, at) => {
    row.place = at;
    if (card.list.children[at] !== row.root) card.list.insertBefore(row.root, card.list.children[at] ?? null);
  });
}

function tick() {
  const now = performance.now();
  const counts = {};
  cards.forEach((card, number) => {
    if (now - card.sorted > CALM) sort(card, now);
    for (const { root, person, at } of card.rows.values()) {
      root.classList.toggle("left", card.shown - at > 1000);
      if (person.verdict) counts[person.verdict] = (counts[person.verdict] ?? 0) + 1;
    }
    const source = known.feeds[number].moment?.source;
    const empty = source?.state === "playing" ? words.NOBODY : words.sourceWords(source);
    if (card.whole) write(card.more, card.rows.size ? "" : empty);
  });
  const title = words.titleOf(counts, known.feeds.map((feed) => feed.facts.name));
  if (document.title !== title) document.title = title;
}

listen({
  past: begin,
  moment: show,
  happened(news) {
    const aloud = (each) =>
      each.state
        ? words.announcedChange(known.feeds[each.feed].facts.name, each)
        : words.announced(nameOf(known.feeds, each.feed, each.track), each);
    write(part("said"), `${news.slice(-4).map(aloud).join(". ")}.`);
  },
  gone(is) {
    part("gone").hidden = !is;
    write(part("gone"), is ? words.GONE : "");
  },
});
setInterval(tick, 500);
