// Counts the seconds that somebody looks: not those of a pause, of a page that is hidden, or of a lid that is closed.

const TICK = 200;
// A tick that comes later than this stood for time that nobody was here.
const LONGEST = 1000;

export class Clock {
  constructor() {
    this.seconds = 0;
    this.runs = false;
    this.last = 0;
    setInterval(() => this.tick(), TICK);
  }

  tick() {
    const now = performance.now();
    const passed = now - this.last;
    if (this.runs && !document.hidden && passed < LONGEST) this.seconds += passed / 1000;
    this.last = now;
  }

  begin(seconds = 0) {
    this.seconds = seconds;
    this.last = performance.now();
    this.runs = true;
  }

  // Seconds until now.
  now() {
    this.tick();
    return Math.round(this.seconds * 1000) / 1000;
  }

  pause() {
    this.tick();
    this.runs = false;
  }

  go() {
    this.last = performance.now();
    this.runs = true;
  }
}
