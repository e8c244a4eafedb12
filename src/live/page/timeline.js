// The lines of the whole session, with zoom; and the short trend on a person's card.

import { known } from "./events.js";
import { attribute, nameOf, part } from "./icons.js";
import { bandOf, fold, newLine, valueAt } from "./lines.js";
import { lineLabel } from "./words.js";

const MINUTE = 60000;
const CLOSEST = 5000;
/** Of a source. */
const MOST_LINES = 64;
// After Okabe and Ito; lines beyond the sixth have the colours again, and dashes. Each has its person's number at its end.
const TONES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07a00", "#56b4e9"];
const DASHES = [[], [7, 4], [2, 3]];
const VERDICTS = { authentic: "#009e73", unsure: "#e69f00", synthetic: "#d55e00" };
/** Who is away for longer has a gap in the line. */
const GAP = 1500;

const lines = new Map();
let marks = [];
/** What is looked at: so many milliseconds up to `end`; `null` follows the newest. */
const look = { span: 10 * MINUTE, end: null, all: false };
let asked = 0;
let began = 0;

const keyOf = (feed, track) => `${feed}-${track}`;
const place = (feed, track) => Math.max(track - 1 + feed * 2, 0) % (TONES.length * DASHES.length);
export const lineTone = (feed, track) => TONES[place(feed, track) % TONES.length];
const dashOf = (feed, track) => DASHES[Math.floor(place(feed, track) / TONES.length) % DASHES.length];

/** Begins with the last minute; the whole session is asked for. */
export function begin() {
  lines.clear();
  marks = [];
  for (const feed of known.feeds) {
    for (const [track, points] of Object.entries(feed.lines)) lines.set(keyOf(feed.number, track), newLine(feed.number, Number(track), points));
    note(feed.happened);
  }
  asked = performance.now();
  known.feeds.forEach((feed) => fetchSession(feed).catch(() => {}));
}

async function fetchSession(feed) {
  const answer = await fetch(`api/history?feed=${feed.number}`);
  if (!answer.ok) return;
  const session = await answer.json();
  for (const told of session.lines) {
    const line = newLine(feed.number, told.track, told.points, told.spans, told.span_ms);
    const last = told.points.at(-1)?.[0] ?? 0;
    // What was heard since the answer was made stays.
    const since = lines.get(keyOf(feed.number, told.track))?.points.filter(([at]) => at > last) ?? [];
    line.points.push(...since);
    lines.set(keyOf(feed.number, told.track), line);
  }
}

/** Takes the values of a moment. */
export function hear(feed, moment) {
  for (const person of moment.persons) {
    if (person.probability === null || person.at_first_sight) continue;
    const key = keyOf(feed.number, person.track);
    if (!lines.has(key)) {
      lines.set(key, newLine(feed.number, person.track, []));
      forget(feed.number);
    }
    const line = lines.get(key);
    if (!line.points.length || moment.at - line.points.at(-1)[0] >= 100) line.points.push([moment.at, person.probability]);
    fold(line);
  }
}

/** Lets the line go that ended first, where a source has more than the program itself keeps. */
function forget(feed) {
  const own = [...lines].filter(([, line]) => line.feed === feed);
  if (own.length <= MOST_LINES) return;
  const end = ([, line]) => line.points.at(-1)?.[0] ?? Infinity;
  lines.delete(own.reduce((a, b) => (end(b) < end(a) ? b : a))[0]);
}

/** Notes turns and losses, which are marked above the lines. */
export function note(news) {
  marks.push(...news);
  if (marks.length > 1000) marks.splice(0, marks.length - 1000);
}

const now = () => Date.now() - known.lead;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** How much is looked at: no more than there is, but a minute at least. */
function spanNow() {
  const whole = Math.max(now() - began, MINUTE);
  if (look.all) return whole;
  return look.end === null ? Math.min(look.span, whole) : look.span;
}

let last = 0;

/** Draws, ten times a second at most while it follows. */
export function draw(force = false) {
  const time = performance.now();
  if (!force && time - last < 95) return;
  last = time;
  const canvas = part("timeline");
  const density = window.devicePixelRatio || 1;
  const [width, height] = [Math.max(canvas.clientWidth, 100), Math.max(canvas.clientHeight, 100)];
  if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, width, height);
  const several = known.feeds.length > 1;
  const frame = { left: 28, right: width - (several ? 38 : 30), top: 18, bottom: height - 22 };
  const starts = [...lines.values()].map((line) => line.spans[0]?.[0] ?? line.points[0]?.[0] ?? Infinity);
  began = Math.min(now() - CLOSEST, ...starts);
  const end = look.end ?? now();
  const span = spanNow();
  const start = end - span;
  const x = (at) => frame.right - ((end - at) / span) * (frame.right - frame.left);
  const y = (value) => frame.bottom - value * (frame.bottom - frame.top);
  grid(pen, frame, x, y, start, end);
  pen.save();
  pen.beginPath();
  pen.rect(frame.left, 0, frame.right - frame.left, height);
  pen.clip();
  marked(pen, frame, x);
  const ends = [];
  for (const line of lines.values()) {
    pen.strokeStyle = lineTone(line.feed, line.track);
    pen.fillStyle = pen.strokeStyle;
    pen.setLineDash(dashOf(line.feed, line.track));
    const value = stroke(pen, line, x, y, start, end, span / (frame.right - frame.left));
    if (value !== null) ends.push({ line, y: y(value), value });
  }
  pen.setLineDash([]);
  pen.restore();
  labels(pen, ends, frame);
}

/** Thresholds, scale and times. */
function grid(pen, frame, x, y, start, end) {
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  pen.fillStyle = colour("--soft");
  pen.strokeStyle = colour("--rule");
  pen.lineWidth = 1;
  pen.textAlign = "right";
  for (const value of [0, 0.5, 1]) {
    pen.fillText(String(value), frame.left - 6, y(value));
    path(pen, [[frame.left, y(value)], [frame.right, y(value)]]);
  }
  const steps = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800].map((seconds) => seconds * 1000);
  const step = steps.find((step) => ((end - start) / step) * 76 < frame.right - frame.left) ?? steps.at(-1);
  const offset = known.lead - new Date().getTimezoneOffset() * MINUTE;
  pen.textAlign = "center";
  for (let at = Math.ceil((start + offset) / step) * step - offset; at <= end; at += step) {
    const text = new Date(at + known.lead).toLocaleTimeString([], step < MINUTE ? {} : { hour: "2-digit", minute: "2-digit" });
    const half = pen.measureText(text).width / 2;
    path(pen, [[x(at), frame.bottom], [x(at), frame.bottom + 4]]);
    if (x(at) - half > frame.left - 8 && x(at) + half < frame.right + 30) pen.fillText(text, x(at), frame.bottom + 13);
  }
  const limits = known.feeds[0]?.moment?.thresholds;
  if (!limits) return;
  pen.setLineDash([5, 4]);
  pen.strokeStyle = colour("--soft");
  for (const value of [limits.authentic_below, limits.synthetic_above]) path(pen, [[frame.left, y(value)], [frame.right, y(value)]]);
  pen.setLineDash([]);
}

/** Turns as shapes above the lines; times without a source as grey. */
function marked(pen, frame, x) {
  const lost = new Map();
  const several = known.feeds.length > 1;
  // With several sources each has a strip of its own at the bottom: the lines of the others go on.
  const grey = (feed, from, to) => {
    pen.fillStyle = colour(several ? "--soft" : "--away");
    const [top, high] = several ? [frame.bottom - 4 - (feed % 8) * 6, 4] : [frame.top, frame.bottom - frame.top];
    pen.fillRect(x(from), top, Math.max(x(to) - x(from), 2), high);
  };
  for (const mark of marks) {
    if (mark.state === "playing") {
      if (lost.has(mark.feed)) grey(mark.feed, lost.get(mark.feed), mark.at);
      lost.delete(mark.feed);
    } else if (mark.state) {
      if (!lost.has(mark.feed)) lost.set(mark.feed, mark.at);
    }
  }
  lost.forEach((from, feed) => grey(feed, from, now()));
  for (const { to, at } of marks) {
    if (!to) continue;
    pen.fillStyle = VERDICTS[to];
    pen.beginPath();
    const [left, middle] = [x(at), frame.top - 9];
    if (to === "synthetic") [[0, -6], [6, 5], [-6, 5]].forEach(([dx, dy]) => pen.lineTo(left + dx, middle + dy));
    else if (to === "unsure") [[-5, -5], [5, -5], [5, 5], [-5, 5]].forEach(([dx, dy]) => pen.lineTo(left + dx, middle + dy));
    else pen.arc(left, middle, 5, 0, 7);
    pen.fill();
  }
}

/** Draws a line; gives its value where it ends in sight. */
function stroke(pen, line, x, y, start, end, pixel) {
  pen.lineWidth = 2;
  for (const [left, right, low, high] of bandOf(line, start, end)) {
    pen.globalAlpha = 0.35;
    pen.fillRect(x(left), y(high) - 0.75, Math.max(x(right) - x(left), 1), y(low) - y(high) + 1.5);
    pen.globalAlpha = 1;
    path(pen, [[x(left), y((low + high) / 2)], [x(right), y((low + high) / 2)]]);
  }
  let piece = [];
  let before = null;
  for (let at = firstFrom(line.points, start - GAP); at < line.points.length; at += 1) {
    const [time, value] = line.points[at];
    if (time > end + GAP) break;
    if (before !== null && time - before > GAP) {
      path(pen, piece);
      piece = [];
    }
    before = time;
    const point = [x(time), y(value)];
    // Many points on one pixel are its highest and lowest: enough, and quick.
    if (piece.length > 2 && piece.at(-3)[0] > point[0] - 0.5 && pixel > 100) {
      const [a, b] = [piece.at(-2), piece.at(-1)];
      a[1] = Math.min(a[1], b[1], point[1]);
      b[1] = Math.max(b[1], point[1]);
      continue;
    }
    piece.push(point);
  }
  path(pen, piece);
  return valueAt(line, end, GAP);
}

function firstFrom(points, time) {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The numbers of the persons whose lines reach the end, below each other where they would meet. */
function labels(pen, ends, frame) {
  pen.textAlign = "left";
  pen.font = "600 12px system-ui, sans-serif";
  const most = Math.floor((frame.bottom - frame.top) / 13);
  const shown = ends.sort((one, other) => other.value - one.value).slice(0, most).sort((one, other) => one.y - other.y);
  let next = frame.top;
  shown.forEach((end, at) => {
    const room = frame.bottom - (shown.length - at - 1) * 13;
    const middle = Math.min(Math.max(end.y, next), room);
    next = middle + 13;
    pen.fillStyle = lineTone(end.line.feed, end.line.track);
    pen.fillRect(frame.right + 3, middle - 5, 4, 10);
    pen.fillStyle = colour("--ink");
    pen.fillText(nameOf(known.feeds, end.line.feed, end.line.track), frame.right + 10, middle);
  });
}

function path(pen, points) {
  if (!points.length) return;
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.stroke();
}

/** The last minute of a person, small. */
export function trend(canvas, feed, track) {
  if (canvas.offsetParent === null) return;
  const line = lines.get(keyOf(feed, track));
  const pen = canvas.getContext("2d");
  const density = window.devicePixelRatio || 1;
  const [width, height] = [96, 28];
  if (canvas.width !== Math.round(width * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
  }
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.strokeStyle = colour("--rule");
  pen.lineWidth = 1;
  path(pen, [[0, height / 2], [width, height / 2]]);
  if (!line) return;
  const end = now();
  pen.strokeStyle = lineTone(feed, track);
  pen.lineWidth = 2;
  const seen = line.points.slice(firstFrom(line.points, end - MINUTE));
  path(pen, seen.map(([at, value]) => [width - ((end - at) / MINUTE) * width, height - 2 - value * (height - 4)]));
}

/** Words for readers of screens; and the line goes on while nobody is in the picture. */
export function tick() {
  draw();
  const said = [...lines.values()].map((line) => [line, valueAt(line, now(), GAP)]).filter(([, value]) => value !== null);
  const words = said.slice(0, 8).map(([line, value]) => `person ${nameOf(known.feeds, line.feed, line.track)} ${value.toFixed(2)}`);
  attribute(part("timeline"), "aria-label", lineLabel(words));
  if (performance.now() - asked < 10 * MINUTE) return;
  asked = performance.now();
  known.feeds.forEach((feed) => fetchSession(feed).catch(() => {}));
}

function set(span, end, all = false) {
  look.all = all;
  look.span = Math.min(Math.max(span, CLOSEST), Math.max(now() - began, 10 * MINUTE));
  const oldest = began + look.span / 4;
  look.end = end === null || end >= now() ? null : Math.max(end, oldest);
  part("now").disabled = look.end === null;
  for (const button of document.querySelectorAll("[data-span]")) {
    const is = button.dataset.span === "all" ? look.all : !look.all && look.span === Number(button.dataset.span);
    attribute(button, "aria-pressed", String(is));
  }
  part("zone").dataset.span = Math.round(look.span);
  draw(true);
}

/** Closer or wider, around `share` of the way from start to end. */
function zoom(by, share = 1) {
  const end = look.end ?? now();
  const fixed = end - spanNow() * (1 - share);
  const span = Math.max(spanNow() * by, CLOSEST);
  set(span, look.end === null && share > 0.9 ? null : fixed + span * (1 - share));
}

const move = (by) => set(spanNow(), (look.end ?? now()) + by);

export function wire() {
  const zone = part("zone");
  for (const button of document.querySelectorAll("[data-span]")) {
    button.addEventListener("click", () => (button.dataset.span === "all" ? set(now() - began, null, true) : set(Number(button.dataset.span), null)));
  }
  part("closer").addEventListener("click", () => zoom(0.5));
  part("wider").addEventListener("click", () => zoom(2));
  part("now").addEventListener("click", () => set(look.span, null));
  zone.addEventListener("keydown", (event) => {
    const act = {
      "+": () => zoom(0.5),
      "=": () => zoom(0.5),
      "-": () => zoom(2),
      ArrowLeft: () => move(-spanNow() / 4),
      ArrowRight: () => move(spanNow() / 4),
      Home: () => set(look.span, began + look.span),
      End: () => set(look.span, null),
    }[event.key];
    if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    act();
  });
  // The page scrolls under the wheel until the line is chosen, so that nobody gets stuck here.
  zone.addEventListener("wheel", (event) => {
    if (document.activeElement !== zone && !event.ctrlKey) return;
    event.preventDefault();
    const box = zone.getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1));
  }, { passive: false });
  let from = null;
  zone.addEventListener("pointerdown", (event) => {
    from = { x: event.clientX, end: look.end ?? now(), span: spanNow() };
    zone.setPointerCapture(event.pointerId);
  });
  zone.addEventListener("pointermove", (event) => {
    if (!from || Math.abs(event.clientX - from.x) < 4) return;
    set(from.span, from.end - ((event.clientX - from.x) / zone.clientWidth) * from.span);
  });
  for (const end of ["pointerup", "pointercancel"]) zone.addEventListener(end, () => (from = null));
  new ResizeObserver(() => draw(true)).observe(zone);
}
