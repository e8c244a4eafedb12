// What is painted of a photo: a byte a pixel at the photo's own size, whatever the zoom and the screen.
//
// Points are whole numbers of sixteenths of a pixel, so that the same strokes give the same pixels everywhere. A pixel is
// painted when its middle is at most the brush's radius away from the line between two points, or inside of a polygon.

export const UNIT = 16;

export class Mask {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(width * height);
    this.area = 0;
  }

  // Paints (or, with value 0, erases) a disc of radius r along a line. Returns the box that may have changed.
  line(ax, ay, bx, by, r, value) {
    const box = this.box(Math.min(ax, bx) - r, Math.min(ay, by) - r, Math.max(ax, bx) + r, Math.max(ay, by) + r);
    const [dx, dy] = [bx - ax, by - ay];
    const [length2, r2] = [dx * dx + dy * dy, r * r];
    for (let j = box.top; j < box.bottom; j++) {
      const py = j * UNIT + UNIT / 2 - ay;
      for (let i = box.left; i < box.right; i++) {
        const px = i * UNIT + UNIT / 2 - ax;
        const along = px * dx + py * dy;
        let inside;
        if (along <= 0) inside = px * px + py * py <= r2;
        else if (along >= length2) inside = (px - dx) * (px - dx) + (py - dy) * (py - dy) <= r2;
        else {
          const across = px * dy - py * dx;
          inside = across * across <= r2 * length2;
        }
        if (inside) this.set(j * this.width + i, value);
      }
    }
    return box;
  }

  // Fills a polygon, even-odd. `points` are x and y in turn.
  polygon(points, value) {
    const xs = points.filter((_, at) => at % 2 === 0);
    const ys = points.filter((_, at) => at % 2 === 1);
    const box = this.box(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
    for (let j = box.top; j < box.bottom; j++) {
      const y = j * UNIT + UNIT / 2;
      const crossings = [];
      for (let at = 0; at < xs.length; at++) {
        const to = (at + 1) % xs.length;
        if (ys[at] > y !== ys[to] > y) {
          crossings.push(xs[at] + ((y - ys[at]) * (xs[to] - xs[at])) / (ys[to] - ys[at]));
        }
      }
      for (let i = box.left; i < box.right; i++) {
        const x = i * UNIT + UNIT / 2;
        let right = 0;
        for (const crossing of crossings) if (x < crossing) right++;
        if (right % 2 === 1) this.set(j * this.width + i, value);
      }
    }
    return box;
  }

  set(at, value) {
    this.area += value - this.pixels[at];
    this.pixels[at] = value;
  }

  clear() {
    this.pixels.fill(0);
    this.area = 0;
    return { left: 0, top: 0, right: this.width, bottom: this.height };
  }

  // Pixels from a box in sixteenths, cut to the photo.
  box(left, top, right, bottom) {
    return {
      left: Math.max(0, Math.floor(left / UNIT)),
      top: Math.max(0, Math.floor(top / UNIT)),
      right: Math.min(this.width, Math.ceil(right / UNIT) + 1),
      bottom: Math.min(this.height, Math.ceil(bottom / UNIT) + 1),
    };
  }

  // Lengths of runs over the rows from the top, unpainted first. Only the first may be 0.
  runs() {
    const runs = [];
    let [value, start] = [0, 0];
    for (let at = 0; at < this.pixels.length; at++) {
      if (this.pixels[at] !== value) {
        runs.push(at - start);
        [value, start] = [this.pixels[at], at];
      }
    }
    runs.push(this.pixels.length - start);
    return runs;
  }

  // Does what was done before: a stroke, a polygon, or a clearing. Returns the box that may have changed.
  apply(step) {
    const value = step.erase ? 0 : 1;
    if (step.kind === "clear") return this.clear();
    if (step.kind === "polygon") return this.polygon(step.points, value);
    let all = null;
    const points = step.points;
    for (let at = 0; at < points.length; at += 2) {
      const from = Math.max(0, at - 2);
      all = around(all, this.line(points[from], points[from + 1], points[at], points[at + 1], step.radius, value));
    }
    return all;
  }
}

// The box around two.
export function around(one, other) {
  if (!one) return other;
  return {
    left: Math.min(one.left, other.left),
    top: Math.min(one.top, other.top),
    right: Math.max(one.right, other.right),
    bottom: Math.max(one.bottom, other.bottom),
  };
}

// What is painted, with all steps towards it, so that each can be taken back.
export class Painting {
  constructor(width, height, steps = [], undone = []) {
    this.mask = new Mask(width, height);
    this.steps = steps;
    this.undone = undone;
    for (const step of steps) this.mask.apply(step);
  }

  // A new step. A stroke may grow by `extend` while it is the last.
  add(step) {
    this.steps.push(step);
    this.undone = [];
    return this.mask.apply(step);
  }

  extend(x, y) {
    const step = this.steps.at(-1);
    const [lastX, lastY] = step.points.slice(-2);
    if (lastX === x && lastY === y) return null;
    step.points.push(x, y);
    return this.mask.line(lastX, lastY, x, y, step.radius, step.erase ? 0 : 1);
  }

  undo() {
    if (this.steps.length === 0) return null;
    this.undone.push(this.steps.pop());
    return this.again();
  }

  redo() {
    if (this.undone.length === 0) return null;
    this.steps.push(this.undone.pop());
    return this.mask.apply(this.steps.at(-1));
  }

  // Takes a step back that was begun by mistake, without a way to have it again.
  forget() {
    this.steps.pop();
    return this.again();
  }

  again() {
    const all = this.mask.clear();
    for (const step of this.steps) this.mask.apply(step);
    return all;
  }
}
