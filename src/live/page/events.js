// The one connection to the program: what it tells, sorted by feed.

import { recording } from "./words.js";

// The token did its work: it is a cookie now, and shall not stay in the address or the list of visited pages.
if (location.search) history.replaceState(null, "", location.pathname);

/** What is known: `feeds` has for each source its facts, newest moment, and what happened; `lead` is our clock minus the server's. */
export const known = { feeds: [], facts: null, lead: 0, gone: false };

/** A picture is drawn with its own boxes, so the last moments are kept by number. */
const MOMENTS = 120;

/**
 * Listens, and calls back: `past()` when it begins anew, `moment(feed)` for each feed with something new, `happened(list, fresh)`,
 * and `gone(is)` when the program doesn't answer, or does again. Calls of `moment` come at most ten times a second, between two
 * frames of the screen.
 */
export function listen(calls) {
  const events = new EventSource("events");
  const fresh = new Set();
  let waits = false;
  const tell = () => {
    waits = false;
    const feeds = [...fresh];
    fresh.clear();
    feeds.forEach((feed) => calls.moment(known.feeds[feed]));
    calls.drawn?.();
  };
  events.addEventListener("past", (event) => {
    take(JSON.parse(event.data));
    gone(false);
    calls.past();
  });
  events.addEventListener("moment", (event) => {
    const moment = JSON.parse(event.data);
    const feed = known.feeds[moment.feed];
    if (!feed) return;
    // While the machine sleeps the program's clock may stand, and ours goes on.
    const lead = Date.now() - moment.at;
    if (lead < known.lead || lead > known.lead + 5000) known.lead = lead;
    feed.moment = moment;
    feed.moments.set(moment.view, moment);
    for (const number of feed.moments.keys()) {
      if (feed.moments.size <= MOMENTS) break;
      feed.moments.delete(number);
    }
    calls.heard?.(feed, moment);
    fresh.add(moment.feed);
    if (!waits) {
      waits = true;
      setTimeout(() => (document.hidden ? tell() : requestAnimationFrame(tell)), 100);
    }
  });
  for (const kind of ["turns", "changes"]) {
    events.addEventListener(kind, (event) => {
      // What was told with the past is not told again.
      const news = JSON.parse(event.data).filter(({ feed, number }) => known.feeds[feed] && number > known.feeds[feed].seen[kind]);
      news.forEach(({ feed, number }) => (known.feeds[feed].seen[kind] = number));
      if (news.length) calls.happened(news, true);
    });
  }
  events.onerror = () => {
    gone(true);
    // After an answer that is no event stream a browser gives up by itself.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => listen(calls), 2000);
  };
  const gone = (is) => {
    if (known.gone !== is) calls.gone(is);
    known.gone = is;
  };
}

function take(past) {
  known.lead = Date.now() - past.now;
  known.facts = past.facts;
  known.feeds = past.facts.sources.map((facts, number) => {
    const { lines, turns, changes } = past.feeds[number];
    const seen = { turns: turns.at(-1)?.number ?? 0, changes: changes.at(-1)?.number ?? 0 };
    return { number, facts, lines, happened: [...turns, ...changes], seen, moment: null, moments: new Map() };
  });
}

/** Says that a record is made, as long as one is. */
export function showRecord(bar) {
  const text = known.facts?.record;
  bar.hidden = !text;
  const words = text ? recording(text) : "";
  if (bar.textContent !== words) bar.textContent = words;
}
