// Shapes that stand for a verdict, so that no colour has to. And small helpers to build a page of.

const SHAPES = {
  authentic: ["M10 1.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17z", "M5.8 10.4l2.9 2.9l5.6-6.2"],
  unsure: ["M4.5 1.5h11a3 3 0 0 1 3 3v11a3 3 0 0 1-3 3h-11a3 3 0 0 1-3-3v-11a3 3 0 0 1 3-3z", "M7.3 7.6c0-1.8 1.2-2.7 2.7-2.7s2.7 1 2.7 2.5c0 2-2.6 2.1-2.6 4.3M10.1 15v.2"],
  synthetic: ["M10 1.4l9.2 16.6h-18.4z", "M10 7v5.4M10 15.2v.3"],
  none: ["M10 3a7 7 0 1 0 0 14a7 7 0 0 0 0-14z", "M6.6 10h.1M10 10h.1M13.4 10h.1"],
};

/** A shape that is filled, with a sign in it. */
export function icon(verdict) {
  const [shape, sign] = SHAPES[verdict] ?? SHAPES.none;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon ${verdict ?? "none"}`);
  svg.setAttribute("aria-hidden", "true");
  for (const [d, kind] of [[shape, "shape"], [sign, "sign"]]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d);
    path.setAttribute("class", kind);
    svg.append(path);
  }
  return svg;
}

export const part = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Writes only what has changed. */
export function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

export function attribute(place, name, value) {
  if (place.getAttribute(name) !== value) place.setAttribute(name, value);
}

/** Feeds have letters where there are several, so that persons' names stay short. */
export const letter = (feed) => String.fromCharCode(65 + (feed % 26));
export const nameOf = (feeds, feed, track) => (feeds.length > 1 ? `${letter(feed)}${track}` : String(track));

/** The most worrying first. */
export const RANK = { synthetic: 0, unsure: 1, authentic: 2 };
export const rank = (person) => RANK[person.verdict] ?? 3;

export const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString();
