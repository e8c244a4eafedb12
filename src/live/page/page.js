// The page of a live run: asks for the next picture as soon as it has shown one, and listens to events for the data.

import { drawLines, drawPicture, lineTone } from "./chart.js";

const SPAN = 60000;
const part = (id) => document.getElementById(id);
const write = (id, text) => {
  if (part(id).textContent !== text) part(id).textContent = text;
};
const REASONS = {
  too_small: "the face is too small",
  too_blurred: "the face is too blurred",
  too_turned: "the face looks away",
  too_few_frames: "seen well in too few frames",
  between_thresholds: "between the thresholds",
  synthetic_in_parts: "synthetic in parts",
  unfamiliar: "unlike anything it knows",
  looks_generated: "looks generated",
  looks_swapped: "looks swapped",
};

// The token did its work: it is a cookie now, and shall not stay in the address or the list of visited pages.
if (location.search) history.replaceState(null, "", location.pathname);

let moment = null; // the newest one
const moments = new Map(); // of the last pictures, by number: a picture is drawn with its own boxes
const lines = new Map();
let lead = 0; // our clock minus that of the server
let image = null;
let paused = false;
const arrivals = [];

function take(past) {
  lead = Date.now() - past.now;
  lines.clear();
  const [feed] = past.feeds;
  for (const [track, points] of Object.entries(feed.lines)) lines.set(Number(track), points);
  part("turns").replaceChildren();
  feed.turns.forEach(addTurn);
  for (const fact of ["model", "provider", "tool"]) write(`fact-${fact}`, past.facts[fact]);
  const { name } = past.facts.sources[0];
  write("fact-source", name);
  write("name", name);
  document.title = `${name} – cyborg live`;
}

function hear(next) {
  if (next.feed) return;
  const fresh = !moment || moment.view !== next.view;
  const limits = moment?.thresholds;
  moment = next;
  moments.set(next.view, next);
  for (const number of moments.keys()) {
    if (moments.size <= 120) break;
    moments.delete(number);
  }
  for (const person of fresh ? next.persons : []) {
    if (person.probability === null) continue;
    if (!lines.has(person.track)) lines.set(person.track, []);
    const line = lines.get(person.track);
    if (!line.length || next.at - line.at(-1)[0] >= 100) line.push([next.at, person.probability]);
  }
  for (const [track, line] of lines) {
    while (line.length && line[0][0] < next.at - SPAN) line.shift();
    if (!line.length) lines.delete(track);
  }
  showSource(next.source);
  showPeople(next.persons);
  showNumbers(next.numbers);
  if (!limits || limits.authentic_below !== next.thresholds.authentic_below || limits.synthetic_above !== next.thresholds.synthetic_above) {
    part("below").value = round(next.thresholds.authentic_below);
    part("above").value = round(next.thresholds.synthetic_above);
  }
}

const round = (value) => String(Math.round(value * 1000) / 1000);

function showSource(source) {
  const words = {
    starting: () => "Opening the source",
    playing: () => {
      const rate = source.rate ? `, ${Math.round(source.rate * 100) / 100} pictures a second` : "";
      return `Live: ${source.size[0]} × ${source.size[1]}${rate}${source.differs ? ` (${source.differs})` : ""}`;
    },
    lost: () => `Source lost: ${source.reason}. Try ${source.tries}, next in ${(source.wait_ms / 1000).toFixed(1)} s`,
    ended: () => "The source has ended",
  }[source.state]();
  say(source.state, words);
  part("veil").hidden = source.state === "playing" && image !== null;
  if (source.state !== "playing") write("veil", words);
}

function say(state, words) {
  part("source").className = `state ${state}`;
  write("source-words", words);
}

function showPeople(persons) {
  const list = part("people");
  part("nobody").hidden = persons.length > 0;
  const stay = new Set(persons.map((person) => `person-${person.track}`));
  for (const item of [...list.children]) if (!stay.has(item.id)) item.remove();
  for (const person of persons) {
    const item = part(`person-${person.track}`) ?? newPerson(person.track);
    if (!item.isConnected) list.append(item);
    const verdict = person.verdict;
    item.className = `person ${verdict ?? ""}`;
    const [who, said, meter, why] = item.children;
    const number = person.probability === null ? "" : `p(synthetic) ${person.probability.toFixed(2)}`;
    if (who.lastChild.textContent !== number) who.lastChild.textContent = number;
    const words = verdict ? verdict[0].toUpperCase() + verdict.slice(1) : "Not scored yet";
    if (said.textContent !== words) said.textContent = words;
    meter.value = person.probability ?? 0;
    meter.textContent = number;
    const age = person.scored_age_ms === null ? "" : `scored ${(person.scored_age_ms / 1000).toFixed(1)} s ago`;
    const reason = person.reason ? `${REASONS[person.reason] ?? person.reason}; ` : "";
    why.textContent = (person.at_first_sight ? "at first sight; " : "") + reason + age;
  }
}

function newPerson(track) {
  const item = element("li", { id: `person-${track}` });
  const name = element("span", {});
  const sample = element("i", {});
  sample.style.background = lineTone(track);
  name.append(sample, `Person ${track}`);
  const who = element("p", { className: "who" });
  who.append(name, element("span", {}));
  const meter = element("meter", { min: 0, max: 1, ariaLabel: `p(synthetic) of person ${track}` });
  item.append(who, element("p", { className: "verdict" }), meter, element("p", { className: "soft" }));
  return item;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function addTurn(turn) {
  const item = element("li", { className: turn.to });
  const time = new Date(turn.at + lead);
  const words = element("span", {});
  const reason = turn.reason ? ` (${REASONS[turn.reason] ?? turn.reason})` : "";
  words.append(`Person ${turn.track}: `, element("b", { textContent: turn.to }), reason);
  item.append(element("time", { dateTime: time.toISOString(), textContent: time.toLocaleTimeString() }), words);
  part("turns").prepend(item);
  while (part("turns").children.length > 50) part("turns").lastChild.remove();
  part("no-turns").hidden = true;
}

function showNumbers(numbers) {
  const share = (count) => {
    const whole = numbers.captured ? ` (${((100 * count) / numbers.captured).toFixed(1)} %)` : "";
    return count.toLocaleString("en") + whole;
  };
  const time = (value) => (value === null ? "–" : `${value.toFixed(0)} ms`);
  write("captured", numbers.captured.toLocaleString("en"));
  write("overwritten", share(numbers.overwritten));
  write("damaged", share(numbers.damaged));
  write("scored", numbers.scored.toLocaleString("en"));
  write("lost", numbers.lost === 1 ? "once" : `${numbers.lost} times`);
  write("shown-age", time(numbers.shown_age_ms));
  write("verdict-age", time(numbers.verdict_age_ms));
}

function listen() {
  const events = new EventSource("events");
  events.addEventListener("past", (event) => take(JSON.parse(event.data)));
  events.addEventListener("moment", (event) => hear(JSON.parse(event.data)));
  events.addEventListener("turns", (event) => JSON.parse(event.data).forEach((turn) => turn.feed || addTurn(turn)));
  events.onerror = () => {
    say("lost", "The server does not answer; trying again");
    // After an answer that is no event stream a browser gives up by itself.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
}

const pause = (time) => new Promise((done) => setTimeout(done, time));

/** One request after the other: a slow line gets fewer pictures, and always the newest. */
async function watch() {
  let after = 0;
  for (;;) {
    if (paused || document.hidden) {
      await pause(200);
      continue;
    }
    try {
      const width = Math.ceil(part("stage").clientWidth * Math.min(window.devicePixelRatio || 1, 2));
      const heat = part("heat").checked ? "&heat=1" : "";
      const answer = await fetch(`picture.jpg?width=${width}&after=${after}${heat}`);
      if (answer.status === 204) continue;
      if (!answer.ok) throw new Error(answer.statusText);
      after = Number(answer.headers.get("x-view"));
      const next = await createImageBitmap(await answer.blob());
      image?.close();
      image = next;
      arrivals.push(performance.now());
      show(after);
    } catch {
      await pause(1000);
    }
  }
}

let shownNumber = 0;

function show(number) {
  shownNumber = number;
  const of = moments.get(number) ?? moment;
  const canvas = part("picture");
  const persons = of && part("boxes").checked ? of.persons : [];
  drawPicture(canvas, image, of?.size ?? [image.width, image.height], persons);
  canvas.dataset.view = number;
  if (moment?.source.state === "playing") part("veil").hidden = true;
}

/** What changes by the clock alone, twice a second. */
function tick() {
  const now = performance.now();
  while (arrivals.length && arrivals[0] < now - 3000) arrivals.shift();
  write("rate", paused ? "paused" : (arrivals.length / 3).toFixed(1));
  drawLines(part("timeline"), lines, moment?.at ?? 0, moment?.thresholds);
  const said = (moment?.persons ?? []).map((person) => `person ${person.track} ${person.verdict ?? "not scored yet"}`);
  label("picture", said.length ? `Live picture: ${said.join(", ")}` : "Live picture without a face");
  const last = [...lines].map(([track, points]) => `person ${track} ${points.at(-1)[1].toFixed(2)}`);
  label("timeline", last.length ? `p(synthetic) over the last minute, now: ${last.join(", ")}` : "No line yet");
}

function label(id, words) {
  if (part(id).getAttribute("aria-label") !== words) part(id).setAttribute("aria-label", words);
}

async function ask(limits) {
  const answer = await fetch("api/threshold", {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(limits),
  });
  write("limits-words", answer.ok ? (limits ? "These are used now" : "The model’s own are used now") : await answer.text());
}

part("pause").addEventListener("click", () => {
  paused = !paused;
  part("pause").setAttribute("aria-pressed", String(paused));
});
part("boxes").addEventListener("change", () => image && show(shownNumber));
part("limits").addEventListener("submit", (event) => {
  event.preventDefault();
  ask({ authentic_below: part("below").valueAsNumber, synthetic_above: part("above").valueAsNumber });
});
part("own").addEventListener("click", () => ask(null));

listen();
watch();
setInterval(tick, 500);
