// Draws: the picture with its boxes, and the lines of the last minute.

// After Okabe and Ito, as in annotated videos: they stay apart for colour-blind eyes.
const TONES = { authentic: "#009e73", unsure: "#e69f00", synthetic: "#d55e00" };
const LINES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const SPAN = 60000;

export const lineTone = (track) => LINES[track % LINES.length];

/** Draws an image and the persons in it; `size` is that of the frame, which the boxes are in. */
export function drawPicture(canvas, image, size, persons) {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const scale = image.width / size[0];
  // The canvas is shown larger or smaller than it is: lines and letters keep their size on the screen.
  const unit = image.width / Math.max(canvas.clientWidth, 1);
  const letters = Math.min(Math.max(14 * unit, 8), image.width / 12);
  pen.font = `600 ${letters}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  for (const person of persons) {
    const [left, top, width, height] = person.bounds.map((side) => side * scale);
    const tone = TONES[person.verdict] ?? "#8a939c";
    pen.strokeStyle = tone;
    pen.lineWidth = 2.5 * unit;
    pen.strokeRect(left, top, width, height);
    const words = person.verdict ? `${person.track}: ${person.verdict} p=${person.probability.toFixed(2)}` : `${person.track}: not scored yet`;
    const room = pen.measureText(words).width + letters * 0.7;
    const x = Math.max(0, Math.min(left - pen.lineWidth / 2, image.width - room));
    const y = Math.max(0, top - letters * 1.5);
    pen.fillStyle = tone;
    pen.fillRect(x, y, room, letters * 1.5);
    pen.fillStyle = person.verdict === "synthetic" || !person.verdict ? "#fff" : "#000";
    pen.fillText(words, x + letters * 0.35, y + letters * 0.78);
  }
}

/** Draws p(synthetic) of each track from `now - SPAN` to `now`. */
export function drawLines(canvas, lines, now, limits) {
  const density = window.devicePixelRatio || 1;
  const width = Math.max(canvas.clientWidth, 100);
  const height = 160;
  if (canvas.width !== Math.round(width * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
  }
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, width, height);
  const [left, right, top, bottom] = [26, width - 6, 8, height - 20];
  const x = (time) => right - ((now - time) / SPAN) * (right - left);
  const y = (value) => bottom - value * (bottom - top);
  pen.font = "12px system-ui, sans-serif";
  pen.fillStyle = colour("--soft");
  pen.strokeStyle = colour("--rule");
  pen.lineWidth = 1;
  pen.textBaseline = "middle";
  for (const value of [0, 0.5, 1]) {
    pen.textAlign = "right";
    pen.fillText(String(value), left - 5, y(value));
    stroke(pen, [[left, y(value)], [right, y(value)]]);
  }
  for (const seconds of [60, 40, 20, 0]) {
    pen.textAlign = seconds === 60 ? "left" : seconds === 0 ? "right" : "center";
    pen.fillText(seconds ? `−${seconds} s` : "now", x(now - seconds * 1000), height - 8);
  }
  if (limits) {
    pen.setLineDash([5, 4]);
    pen.strokeStyle = colour("--soft");
    for (const value of [limits.authentic_below, limits.synthetic_above]) {
      stroke(pen, [[left, y(value)], [right, y(value)]]);
    }
    pen.setLineDash([]);
  }
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, right - left, height);
  pen.clip();
  pen.lineWidth = 2;
  for (const [track, points] of lines) {
    pen.strokeStyle = lineTone(track);
    let part = [];
    for (const [time, value] of points) {
      // A second without a point is a time in which the person was away.
      if (part.length && time - part.at(-1)[2] > 1000) {
        stroke(pen, part);
        part = [];
      }
      part.push([x(time), y(value), time]);
    }
    stroke(pen, part);
  }
  pen.restore();
}

function stroke(pen, points) {
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.stroke();
}
