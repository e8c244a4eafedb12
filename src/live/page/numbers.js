// What is folded away: numbers of each source, thresholds, and what the run is made with.

import { known } from "./events.js";
import { rateOf } from "./feeds.js";
import { element, part, write } from "./icons.js";
import * as words from "./words.js";

const cells = new Map();
let limits = null;

export function begin() {
  for (const fact of ["model", "provider", "tool"]) write(part(`fact-${fact}`), known.facts[fact]);
  const head = element("tr", {}, element("th", { scope: "col", textContent: words.SOURCE }));
  known.feeds.forEach((feed) => head.append(element("th", { scope: "col", textContent: feed.facts.name })));
  cells.clear();
  const rows = Object.entries(words.NUMBERS).map(([key, name]) => {
    const row = element("tr", {}, element("th", { scope: "row", textContent: name }));
    const of = known.feeds.map(() => element("td", { textContent: "–" }));
    row.append(...of);
    cells.set(key, of);
    return row;
  });
  part("numbers").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}

export function show(feed) {
  const { numbers, thresholds } = feed.moment;
  const share = (count) => {
    const whole = numbers.captured ? ` (${((100 * count) / numbers.captured).toFixed(1)} %)` : "";
    return count.toLocaleString("en") + whole;
  };
  const time = (value) => (value === null ? "–" : `${value.toFixed(0)} ms`);
  const put = (key, text) => write(cells.get(key)[feed.number], text);
  put("captured", numbers.captured.toLocaleString("en"));
  put("overwritten", share(numbers.overwritten));
  put("damaged", share(numbers.damaged));
  put("scored", numbers.scored.toLocaleString("en"));
  put("lost", numbers.lost === 1 ? "once" : `${numbers.lost} times`);
  put("shown_age", time(numbers.shown_age_ms));
  put("verdict_age", time(numbers.verdict_age_ms));
  if (limits?.authentic_below !== thresholds.authentic_below || limits?.synthetic_above !== thresholds.synthetic_above) {
    limits = thresholds;
    part("below").value = round(thresholds.authentic_below);
    part("above").value = round(thresholds.synthetic_above);
  }
}

const round = (value) => String(Math.round(value * 1000) / 1000);

export function tick() {
  if (!cells.size) return;
  known.feeds.forEach((feed) => write(cells.get("rate")[feed.number], rateOf(feed.number)));
}

async function ask(limits) {
  const answer = await fetch("api/threshold", {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(limits),
  });
  write(part("limits-words"), answer.ok ? (limits ? words.USED.asked : words.USED.own) : await answer.text());
}

export function wire() {
  part("limits").addEventListener("submit", (event) => {
    event.preventDefault();
    ask({ authentic_below: part("below").valueAsNumber, synthetic_above: part("above").valueAsNumber });
  });
  part("own").addEventListener("click", () => ask(null));
}
