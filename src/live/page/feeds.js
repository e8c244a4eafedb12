// The cards of the sources: the newest picture with its boxes, how the source is, and which of them is large.

import { known } from "./events.js";
import { attribute, clock, element, letter, nameOf, part, write } from "./icons.js";
import * as words from "./words.js";

// After Okabe and Ito, as in annotated videos: they stay apart for colour-blind eyes.
const TONES = { authentic: "#009e73", unsure: "#e69f00", synthetic: "#d55e00" };
const cards = [];
let paused = false;
let large = null;

/** A card for each source, in place of those before. */
export function begin() {
  const { feeds } = known;
  if (cards.length !== feeds.length || feeds.some((feed, at) => cards[at].name !== feed.facts.name)) {
    cards.splice(0).forEach((card) => (card.over = true));
    part("feeds").after(part("controls"));
    part("feeds").replaceChildren();
    part("sources").replaceChildren();
    feeds.forEach((feed) => cards.push(newCard(feed, feeds.length > 1)));
    part("feeds").classList.toggle("several", feeds.length > 1);
    // With one source all that can be done stands in one row.
    (feeds.length === 1 ? cards[0].bar : part("feeds").parentElement).append(part("controls"));
    enlarge(null);
    cards.forEach(watch);
  }
  cards.forEach((card) => (card.after = 0));
}

/** What a moment says of its source. */
export function show(feed) {
  const card = cards[feed.number];
  const { source } = feed.moment;
  const playing = source.state === "playing";
  for (const place of [card.root, card.chip]) attribute(place, "data-state", source.state);
  write(card.state, words.sourceWords(source, !playing || cards.length > 1));
  write(card.short, words.sourceWords(source, true));
  card.veil.hidden = playing && card.image !== null;
  if (!card.veil.hidden) write(card.veil, playing ? words.WAITING : words.sourceWords(source));
  card.wake?.();
}

function newCard(feed, several) {
  const { name, kind, whole } = feed.facts;
  const lamp = () => element("span", { className: "lamp", ariaHidden: "true" });
  const shown = `${words.KINDS[kind] ?? kind}${whole ? "" : `: ${words.FACES_ONLY}`}`;
  const card = { name, number: feed.number, image: null, after: 0, shown: 0, arrivals: [], over: false, wake: null };
  card.canvas = element("canvas", { width: 640, height: 360 });
  card.canvas.setAttribute("role", "img");
  card.canvas.setAttribute("aria-label", words.pictureLabel(name, []));
  card.veil = element("p", { className: "veil", textContent: words.WAITING });
  card.state = element("span", { className: "words", textContent: words.sourceWords(null) });
  card.stage = element("div", { className: "stage" }, card.canvas, card.veil);
  card.save = element("a", { className: "button save", href: `api/snapshot.jpg?feed=${feed.number}&boxes=1&heat=1`, textContent: words.SAVE });
  const file = () => `${name.replace(/[^\p{L}\p{N}]+/gu, "-")}-${clock(Date.now()).replace(/[^\d]+/g, "-")}.jpg`;
  card.save.addEventListener("click", () => (card.save.download = file()));
  card.save.download = "snapshot.jpg";
  const bar = element("div", { className: "bar-of-card" }, element("p", { className: "state" }, lamp(), card.state), card.save);
  card.bar = bar;
  card.root = element("article", { className: "feed", ariaLabel: name }, card.stage, bar);
  if (several) {
    const sign = element("b", { className: "letter", textContent: letter(feed.number), ariaHidden: "true" });
    card.larger = element("button", { type: "button", textContent: words.ENLARGE, ariaPressed: "false" });
    card.larger.addEventListener("click", () => enlarge(large === feed.number ? null : feed.number));
    card.stage.addEventListener("click", () => enlarge(large === feed.number ? null : feed.number));
    bar.prepend(element("h3", {}, sign, ` ${name}`));
    bar.append(card.larger);
  }
  card.short = element("span", { className: "unseen", textContent: words.sourceWords(null, true) });
  card.chip = element("li", {}, lamp(), element("b", { textContent: name }), element("span", { className: "kind", textContent: shown }), card.short);
  if (several) card.chip.prepend(element("b", { className: "letter", textContent: letter(feed.number), ariaHidden: "true" }));
  part("feeds").append(card.root);
  part("sources").append(card.chip);
  return card;
}

function enlarge(number) {
  large = number;
  part("feeds").classList.toggle("one", number !== null);
  for (const card of cards) {
    const is = card.number === number;
    card.root.classList.toggle("large", is);
    if (!card.larger) continue;
    attribute(card.larger, "aria-pressed", String(is));
    write(card.larger, is ? words.ALL : words.ENLARGE);
    if (is) card.root.scrollIntoView({ block: "nearest" });
  }
}

const pause = (time) => new Promise((done) => setTimeout(done, time));

/** One request after the other, and only once there is a new picture: a slow line gets fewer, and always the newest. */
async function watch(card) {
  while (!card.over) {
    const moment = known.feeds[card.number]?.moment;
    if (paused || document.hidden || !moment || moment.view === card.after || moment.view === 0 || known.gone) {
      await Promise.race([pause(500), new Promise((wake) => (card.wake = wake))]);
      continue;
    }
    try {
      const width = Math.ceil(card.stage.clientWidth * Math.min(window.devicePixelRatio || 1, 2));
      const heat = part("heat").checked ? "&heat=1" : "";
      const answer = await fetch(`picture.jpg?feed=${card.number}&width=${width}&after=${card.after}${heat}`);
      if (answer.status === 204) continue;
      if (!answer.ok) throw new Error(answer.statusText);
      const number = Number(answer.headers.get("x-view"));
      const image = await createImageBitmap(await answer.blob());
      card.image?.close();
      card.image = image;
      card.after = number;
      card.shown = number;
      card.arrivals.push(performance.now());
      draw(card);
    } catch {
      await pause(1000);
    }
  }
}

/** Draws a card's picture and the persons that were in it. */
function draw(card) {
  const { canvas, image } = card;
  const feed = known.feeds[card.number];
  const of = feed.moments.get(card.shown) ?? feed.moment;
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  canvas.dataset.view = card.shown;
  if (feed.moment?.source.state === "playing") card.veil.hidden = true;
  if (!of || !part("boxes").checked) return;
  const scale = image.width / (of.size?.[0] ?? image.width);
  // The canvas is shown larger or smaller than it is: lines and letters keep their size on the screen.
  const unit = image.width / Math.max(canvas.clientWidth, 1);
  const usual = Math.min(Math.max(14 * unit, 8), image.width / 12);
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  for (const person of of.persons) {
    const [left, top, wide, high] = person.bounds.map((side) => side * scale);
    const tone = TONES[person.verdict] ?? "#8a939c";
    // Of small faces the label is small too, so that it doesn't hide them.
    const letters = Math.min(usual, Math.max(wide * 0.5, 9 * unit));
    pen.font = `600 ${letters}px system-ui, sans-serif`;
    pen.strokeStyle = tone;
    pen.lineWidth = 2.5 * unit;
    pen.setLineDash(person.verdict === "unsure" ? [8 * unit, 5 * unit] : []);
    pen.strokeRect(left, top, wide, high);
    pen.setLineDash([]);
    const name = nameOf(known.feeds, card.number, person.track);
    const long = person.verdict ? `${name} ${person.verdict}` : name;
    // Where faces stand close together, the number alone keeps the picture clear.
    const text = pen.measureText(long).width > wide * 2.2 ? name : long;
    const room = pen.measureText(text).width + letters * 0.8;
    const x = Math.max(0, Math.min(left - pen.lineWidth / 2, image.width - room));
    const y = top >= letters * 1.5 ? top - letters * 1.5 : Math.min(top + high, image.height - letters * 1.5);
    pen.fillStyle = tone;
    pen.fillRect(x, y, room, letters * 1.5);
    pen.fillStyle = person.verdict ? "#000" : "#fff";
    pen.fillText(text, x + letters * 0.4, y + letters * 0.78);
  }
}

/** What changes by the clock alone: words for readers of screens, and how many pictures come a second. */
export function tick() {
  const now = performance.now();
  for (const card of cards) {
    while (card.arrivals.length && card.arrivals[0] < now - 3000) card.arrivals.shift();
    const persons = known.feeds[card.number]?.moment?.persons ?? [];
    const said = persons.map((person) => `person ${nameOf(known.feeds, card.number, person.track)} ${person.verdict ?? "not judged yet"}`);
    attribute(card.canvas, "aria-label", words.pictureLabel(card.name, said));
  }
}

export const rateOf = (number) => (paused ? words.PAUSED : (cards[number].arrivals.length / 3).toFixed(1));

export function wire() {
  part("pause").addEventListener("click", () => {
    paused = !paused;
    attribute(part("pause"), "aria-pressed", String(paused));
  });
  part("boxes").addEventListener("change", () => cards.forEach((card) => card.image && draw(card)));
}
