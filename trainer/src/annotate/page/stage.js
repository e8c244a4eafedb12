// Shows one photo or two, near or far, and takes what is painted on one by mouse, touch, pen and keyboard.

import { Painting, UNIT, around } from "./mask.js";

// Radii of the brush, in pixels of the photo.
export const RADII = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];
// Of the photo's longer side: the brush that one begins with.
const USUAL = 0.03;
// Around a photo, and between two, in pixels of the page.
const MARGIN = 12;
// A small photo is not made larger than so many times by itself.
const LARGEST_FIT = 6;
const MOST_ZOOM = 16;
// One step of the zoom's buttons and keys.
export const ZOOM_STEP = 1.5;
// A shape ends where one comes so near to its first corner, in pixels of the page.
const NEAR = 14;
// Corners of a shape that is drawn in one go are so far apart.
const SPACING = 5;
const PAINT = [0, 168, 232];

export class Stage {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.context = canvas.getContext("2d");
    this.photos = [];
    this.painting = null;
    this.overlay = null;
    this.tool = "brush";
    this.radius = RADII[4];
    this.shown = true;
    this.pointers = new Map();
    this.stroke = null;
    this.shape = [];
    this.hover = null;
    this.cursor = null;
    this.held = false;
    this.penSeen = false;
    this.far();
    new ResizeObserver(() => this.draw()).observe(canvas);
    const on = (name, does) => canvas.addEventListener(name, (event) => does.call(this, event), { passive: false });
    on("pointerdown", this.down);
    on("pointermove", this.move);
    on("pointerup", this.up);
    on("pointercancel", this.cancel);
    on("pointerleave", () => { this.hover = null; this.draw(); });
    on("wheel", this.wheel);
    on("contextmenu", (event) => event.preventDefault());
    on("blur", () => this.release());
  }

  // Shows photos, to be looked at.
  show(photos) {
    this.photos = photos;
    this.painting = null;
    this.overlay = null;
    this.stop();
    this.far();
  }

  // Lets the only photo be painted on, from the steps that were done on it before.
  paint(steps, undone) {
    const [photo] = this.photos;
    this.painting = new Painting(photo.width, photo.height, steps, undone);
    this.overlay = new OffscreenCanvas(photo.width, photo.height);
    const usual = USUAL * Math.max(photo.width, photo.height);
    this.radius = RADII.reduce((best, radius) => (Math.abs(radius - usual) < Math.abs(best - usual) ? radius : best));
    this.cursor = [Math.round(photo.width / 2) * UNIT, Math.round(photo.height / 2) * UNIT];
    this.keys = false;
    this.refresh({ left: 0, top: 0, right: photo.width, bottom: photo.height });
  }

  // Nothing is begun any more.
  stop() {
    this.stroke = null;
    this.shape = [];
    this.held = false;
    this.cursor = null;
    this.pointers.clear();
  }

  far() {
    this.zoom = 1;
    this.shift = [0, 0];
    this.draw();
  }

  use(tool) {
    this.drop();
    // A second time: the shape is done.
    if (tool === "polygon" && this.tool === "polygon") this.close();
    else this.shape = [];
    this.tool = tool;
    this.draw();
  }

  // One size up or down.
  resize(by) {
    const at = RADII.indexOf(this.radius) + by;
    this.radius = RADII[Math.min(Math.max(at, 0), RADII.length - 1)];
    this.draw();
  }

  // ---- Where things are ----

  // Parts of the canvas, one a photo, in pixels of the page.
  panes() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (this.photos.length < 2) return [{ left: 0, top: 0, width, height }];
    if (width >= height) {
      const half = (width - MARGIN) / 2;
      return [{ left: 0, top: 0, width: half, height }, { left: half + MARGIN, top: 0, width: half, height }];
    }
    const half = (height - MARGIN) / 2;
    return [{ left: 0, top: 0, width, height: half }, { left: 0, top: half + MARGIN, width, height: half }];
  }

  // Pixels of the page for one of the photo, and where the photo's corner is.
  place(photo, pane) {
    const room = Math.min((pane.width - 2 * MARGIN) / photo.width, (pane.height - 2 * MARGIN) / photo.height);
    const scale = Math.min(Math.max(room, 0.01), LARGEST_FIT) * this.zoom;
    const left = pane.left + pane.width / 2 + this.shift[0] - (photo.width / 2) * scale;
    const top = pane.top + pane.height / 2 + this.shift[1] - (photo.height / 2) * scale;
    return { scale, left, top };
  }

  onPage(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  // A point of the page in sixteenths of the photo's pixels.
  onPhoto([x, y]) {
    const { scale, left, top } = this.place(this.photos[0], this.panes()[0]);
    return [Math.round(((x - left) / scale) * UNIT), Math.round(((y - top) / scale) * UNIT)];
  }

  // Which photo is at a point of the page.
  photoAt([x, y]) {
    return this.panes().findIndex((pane) => x >= pane.left && x < pane.left + pane.width && y >= pane.top && y < pane.top + pane.height);
  }

  // Nearer or farther, so that the point stays where it is.
  zoomBy(factor, point) {
    const zoom = Math.min(Math.max(this.zoom * factor, 1), MOST_ZOOM);
    const by = zoom / this.zoom;
    const pane = this.panes()[Math.max(0, point ? this.photoAt(point) : 0)];
    const middle = [pane.left + pane.width / 2, pane.top + pane.height / 2];
    const about = point ?? middle;
    this.shift = this.shift.map((shift, axis) => (shift - (about[axis] - middle[axis])) * by + (about[axis] - middle[axis]));
    this.zoom = zoom;
    this.moveBy(0, 0);
  }

  moveBy(dx, dy) {
    const pane = this.panes()[0];
    const reach = this.photos.map((photo) => {
      const { scale } = this.place(photo, pane);
      return [(photo.width * scale) / 2, (photo.height * scale) / 2];
    });
    const most = [0, 1].map((axis) => (this.zoom === 1 ? 0 : Math.max(0, ...reach.map((of) => of[axis]))));
    this.shift = this.shift.map((shift, axis) => Math.min(Math.max(shift + [dx, dy][axis], -most[axis]), most[axis]));
    this.draw();
  }

  // ---- Pointers ----

  down(event) {
    if (this.photos.length === 0) return;
    this.canvas.focus({ preventScroll: true });
    event.preventDefault();
    const point = this.onPage(event);
    this.keys = false;
    this.pointers.set(event.pointerId, point);
    this.canvas.setPointerCapture(event.pointerId);
    if (event.pointerType === "pen") this.penSeen = true;
    if (this.pointers.size === 2) {
      // Two fingers move the photo: what the first of them began is none.
      if (this.stroke && this.tool !== "polygon") this.refresh(this.painting.forget());
      if (this.stroke && this.tool === "polygon") this.shape = this.stroke.before;
      this.stroke = null;
      return;
    }
    if (this.pointers.size > 2 || this.stroke) return;
    const finger = event.pointerType === "touch" && this.penSeen;
    const paints = this.painting && this.tool !== "move" && !finger && (event.button === 0 || event.button === 5);
    if (paints && this.tool === "polygon") {
      this.stroke = { pointer: event.pointerId, before: [...this.shape], moved: false };
      this.corner(point);
    } else if (paints) {
      const erase = this.tool === "eraser" || event.button === 5;
      this.stroke = { pointer: event.pointerId };
      this.begin(this.onPhoto(point), erase);
    }
    this.hover = point;
    this.draw();
  }

  move(event) {
    const point = this.onPage(event);
    this.hover = event.pointerType === "touch" && !this.pointers.size ? null : point;
    const before = this.pointers.get(event.pointerId);
    if (!before) return this.draw();
    if (this.pointers.size === 2) {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const middle = (a) => [(a[0] + other[0]) / 2, (a[1] + other[1]) / 2];
      const apart = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]);
      const [from, to] = [middle(before), middle(point)];
      this.pointers.set(event.pointerId, point);
      this.zoomBy(apart(point) / Math.max(apart(before), 1), from);
      this.moveBy(to[0] - from[0], to[1] - from[1]);
    } else if (this.stroke?.pointer === event.pointerId) {
      const events = event.getCoalescedEvents?.() ?? [];
      const points = (events.length ? events : [event]).map((each) => this.onPage(each));
      if (this.tool === "polygon") points.forEach((each) => this.drag(each));
      else {
        let box = null;
        for (const each of points) {
          const changed = this.painting.extend(...this.onPhoto(each));
          if (changed) box = around(box, changed);
        }
        if (box) this.refresh(box);
      }
      this.pointers.set(event.pointerId, point);
    } else {
      this.pointers.set(event.pointerId, point);
      this.moveBy(point[0] - before[0], point[1] - before[1]);
    }
    this.draw();
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    if (this.stroke?.pointer === event.pointerId) {
      if (this.tool === "polygon" && this.stroke.moved) this.close();
      this.stroke = null;
      this.changed();
    }
    if (event.pointerType === "touch") this.hover = null;
    this.draw();
  }

  // The system took the pointer away: what it began is none.
  cancel(event) {
    if (this.stroke?.pointer === event.pointerId) {
      if (this.tool === "polygon") this.shape = this.stroke.before;
      else this.refresh(this.painting.forget());
      this.stroke = null;
    }
    this.pointers.delete(event.pointerId);
    this.draw();
  }

  wheel(event) {
    event.preventDefault();
    if (this.photos.length === 0) return;
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoomBy(Math.exp(-event.deltaY * lines * 0.0015), this.onPage(event));
  }

  // ---- Painting ----

  begin([x, y], erase) {
    this.refresh(this.painting.add({ kind: "stroke", erase, radius: this.radius * UNIT, points: [x, y] }));
  }

  corner(point) {
    const first = this.shape[0];
    const near = first && this.shape.length > 2 && Math.hypot(...this.toPage(first).map((at, axis) => at - point[axis])) < NEAR;
    if (near) {
      this.stroke = null;
      this.close();
    } else this.shape.push(this.onPhoto(point));
  }

  drag(point) {
    const last = this.toPage(this.shape.at(-1));
    if (Math.hypot(last[0] - point[0], last[1] - point[1]) < SPACING) return;
    this.stroke.moved = true;
    this.shape.push(this.onPhoto(point));
  }

  // Fills the shape that was begun.
  close() {
    const points = this.shape.flat();
    this.shape = [];
    if (points.length >= 6) {
      this.refresh(this.painting.add({ kind: "polygon", erase: false, points }));
      this.changed();
    }
    this.draw();
  }

  // Ends what is being painted: what comes now is another step.
  drop() {
    this.stroke = null;
    this.held = false;
  }

  undo() {
    this.drop();
    if (this.shape.length) {
      this.shape.pop();
      return this.draw();
    }
    this.refresh(this.painting.undo());
    this.changed();
  }

  redo() {
    this.drop();
    this.refresh(this.painting.redo());
    this.changed();
  }

  clear() {
    this.drop();
    this.shape = [];
    if (this.painting.mask.area > 0) this.refresh(this.painting.add({ kind: "clear" }));
    this.changed();
  }

  toPage([x, y]) {
    const { scale, left, top } = this.place(this.photos[0], this.panes()[0]);
    return [left + (x / UNIT) * scale, top + (y / UNIT) * scale];
  }

  // ---- Keyboard ----

  // Moves the cursor, and paints where Space is held.
  step(dx, dy, size) {
    const [photo] = this.photos;
    const by = size === "fine" ? 1 : Math.max(1, Math.round(this.radius / 2)) * (size === "coarse" ? 4 : 1);
    const ends = [photo.width, photo.height];
    this.cursor = this.cursor.map((at, axis) => Math.min(Math.max(at + [dx, dy][axis] * by * UNIT, 0), ends[axis] * UNIT));
    this.keys = true;
    if (this.held && this.tool !== "polygon") {
      const box = this.painting.extend(...this.cursor);
      if (box) this.refresh(box);
    }
    const [x, y] = this.toPage(this.cursor);
    const { width, height } = this.canvas.getBoundingClientRect();
    const out = (at, end) => (at < MARGIN ? MARGIN - at : at > end - MARGIN ? end - MARGIN - at : 0);
    if (this.zoom > 1) this.moveBy(out(x, width), out(y, height));
    this.draw();
  }

  press() {
    this.keys = true;
    if (this.tool === "polygon") this.corner(this.toPage(this.cursor));
    else if (!this.held && this.tool !== "move") {
      this.held = true;
      this.begin(this.cursor, this.tool === "eraser");
    }
    this.draw();
  }

  release() {
    if (!this.held) return;
    this.held = false;
    this.changed();
  }

  // ---- Drawing ----

  // Brings a box of the mask to the overlay.
  refresh(box) {
    if (box && box.right > box.left && box.bottom > box.top) {
      const [width, height] = [box.right - box.left, box.bottom - box.top];
      const image = new ImageData(width, height);
      const { pixels, width: row } = this.painting.mask;
      for (let y = 0; y < height; y++) {
        let at = (box.top + y) * row + box.left;
        for (let to = y * width * 4, end = to + width * 4; to < end; to += 4, at++) {
          if (pixels[at]) {
            [image.data[to], image.data[to + 1], image.data[to + 2]] = PAINT;
            image.data[to + 3] = 255;
          }
        }
      }
      this.overlay.getContext("2d").putImageData(image, box.left, box.top);
    }
    this.draw();
  }

  draw() {
    this.wanted ??= requestAnimationFrame(() => {
      this.wanted = null;
      this.drawNow();
    });
  }

  drawNow() {
    const { canvas, context } = this;
    const ratio = window.devicePixelRatio;
    const { width, height } = canvas.getBoundingClientRect();
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    canvas.dataset.zoom = this.zoom;
    const panes = this.panes();
    this.photos.forEach((photo, index) => {
      const pane = panes[index];
      const { scale, left, top } = this.place(photo, pane);
      context.save();
      context.beginPath();
      context.rect(pane.left, pane.top, pane.width, pane.height);
      context.clip();
      // From near, pixels are what one wants to see.
      context.imageSmoothingEnabled = scale * ratio < 4;
      context.imageSmoothingQuality = "high";
      context.drawImage(photo, left, top, photo.width * scale, photo.height * scale);
      if (this.overlay && this.shown) {
        context.globalAlpha = 0.5;
        context.imageSmoothingEnabled = false;
        context.drawImage(this.overlay, left, top, photo.width * scale, photo.height * scale);
        context.globalAlpha = 1;
      }
      context.restore();
    });
    if (this.painting) this.drawTool();
  }

  drawTool() {
    const { scale } = this.place(this.photos[0], this.panes()[0]);
    const twice = (path) => {
      for (const [width, style] of [[3, "rgb(0 0 0 / 0.55)"], [1.5, "#fff"]]) {
        this.context.lineWidth = width;
        this.context.strokeStyle = style;
        this.context.setLineDash(this.tool === "eraser" && width < 2 ? [4, 3] : []);
        this.context.stroke(path);
      }
    };
    if (this.shape.length) {
      const path = new Path2D();
      const points = this.shape.map((corner) => this.toPage(corner));
      points.forEach(([x, y], at) => (at ? path.lineTo(x, y) : path.moveTo(x, y)));
      if (this.hover && !this.keys) path.lineTo(...this.hover);
      for (const [x, y] of points) path.rect(x - 2.5, y - 2.5, 5, 5);
      twice(path);
    }
    const at = this.keys ? this.toPage(this.cursor) : this.hover;
    if (!at || this.tool === "move") return;
    const path = new Path2D();
    if (this.tool !== "polygon") path.arc(...at, this.radius * scale, 0, 2 * Math.PI);
    if (this.keys || this.tool === "polygon") {
      for (const [x, y] of [[6, 0], [0, 6]]) {
        path.moveTo(at[0] - x, at[1] - y);
        path.lineTo(at[0] + x, at[1] + y);
      }
    }
    twice(path);
  }
}
