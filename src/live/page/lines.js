// A person's line: the last minutes point by point, what is older in spans with their lowest and highest value.

/** So many points are kept; a program that runs for days doesn't fill the browser's memory. */
const MOST_POINTS = 2400;
const MOST_SPANS = 800;

export const newLine = (feed, track, points, spans = [], span = 0) => ({ feed, track, points, spans, span });

/** Puts the older half of too many points together, as the program does. */
export function fold(line) {
  if (line.points.length <= MOST_POINTS) return;
  line.span ||= 100;
  for (const [at, value] of line.points.splice(0, MOST_POINTS / 2)) put(line, [at, value, value]);
  while (line.spans.length > MOST_SPANS) {
    line.span *= 2;
    const all = line.spans;
    line.spans = [];
    all.forEach((span) => put(line, span));
  }
}

function put(line, [at, low, high]) {
  const last = line.spans.at(-1);
  if (last && at < last[0] + line.span) {
    last[1] = Math.min(last[1], low);
    last[2] = Math.max(last[2], high);
  } else line.spans.push([at, low, high]);
}

/** The spans in sight: left, right, lowest, highest. */
export function* bandOf(line, start, end) {
  for (const [at, low, high] of line.spans) if (at + line.span >= start && at <= end) yield [at, at + line.span, low, high];
}

/** The value at a time; `null` where the person is away by then. */
export function valueAt(line, time, gap) {
  for (let at = line.points.length - 1; at >= 0; at -= 1) {
    const [when, value] = line.points[at];
    if (when <= time) return time - when <= gap ? value : null;
  }
  return null;
}
