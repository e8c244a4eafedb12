// The page of a live run, wired: one connection tells, and each part shows what is its own.

import { known, listen, showRecord } from "./events.js";
import * as feeds from "./feeds.js";
import * as happened from "./happened.js";
import { part, write } from "./icons.js";
import * as numbers from "./numbers.js";
import * as people from "./people.js";
import * as timeline from "./timeline.js";
import { GONE } from "./words.js";

for (const module of [feeds, people, timeline, happened, numbers]) module.wire();

listen({
  past() {
    for (const module of [feeds, people, timeline, happened, numbers]) module.begin();
    showRecord(part("record"));
    document.body.dataset.state = "live";
  },
  heard: timeline.hear,
  moment(feed) {
    feeds.show(feed);
    people.show(feed);
    numbers.show(feed);
  },
  drawn: timeline.draw,
  happened(news, fresh) {
    happened.add(news, fresh);
    timeline.note(news);
  },
  gone(is) {
    part("gone").hidden = !is;
    write(part("gone"), is ? GONE : "");
    document.body.dataset.state = is ? "gone" : known.feeds.length ? "live" : "connecting";
  },
});

// A strip of its own beside other work, where the browser opens one; else the page itself becomes it.
part("strip").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (window.open("compact", "cyborg-compact", "popup,width=340,height=640")) event.preventDefault();
});

setInterval(() => {
  for (const module of [feeds, people, happened, numbers, timeline]) module.tick();
}, 500);
