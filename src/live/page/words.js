// All that the page says, in one place, so that it can be said in another language.

export const VERDICTS = { authentic: "Authentic", unsure: "Unsure", synthetic: "Synthetic" };
export const NOT_YET = "Waiting";

/** Why, in a few words, as they stand on a card. */
export const REASONS = {
  too_small: "The face is too small",
  too_blurred: "The face is too blurred",
  too_turned: "The face looks away",
  too_few_frames: "Not seen well for long enough",
  between_thresholds: "Some signs, but not enough to say",
  synthetic_in_parts: "Looked synthetic at times",
  unfamiliar: "Unlike any face the model knows",
  looks_generated: "The whole face looks generated",
  looks_swapped: "Looks like a face put onto another",
};

/** Why, for who asks further. */
const EXPLAINED = {
  too_small: "The face has too few pixels to be judged. Come closer, or make the window larger.",
  too_blurred: "The face shows too little detail to be judged. Better light or a sharper picture helps.",
  too_turned: "The face looks away or lies on its side, and is judged only from the front.",
  too_few_frames: "The face was seen well in too few pictures so far. Wait a moment.",
  between_thresholds: "There are signs of a synthetic face, but not enough of them to say so.",
  synthetic_in_parts: "The face is not synthetic as a whole, but looked so for a while.",
  unfamiliar: "The face is unlike all that the model was trained on, so its verdict is unreliable.",
  looks_generated: "The face as a whole looks as if a program had made it.",
  looks_swapped: "It looks as if another face had been put onto this one.",
};
const PLAIN = {
  authentic: "Few signs of a synthetic face",
  unsure: "Nothing certain can be said",
  synthetic: "Strong signs of a synthetic face",
};

export const said = (verdict) => VERDICTS[verdict] ?? NOT_YET;

/** The line below a verdict. */
export function because(person) {
  if (!person.verdict) return "Not judged yet";
  const words = person.reason ? (REASONS[person.reason] ?? person.reason) : PLAIN[person.verdict];
  return person.at_first_sight ? `At first sight: ${words[0].toLowerCase()}${words.slice(1)}` : words;
}

export const explained = (person) => EXPLAINED[person.reason] ?? `${PLAIN[person.verdict] ?? "Not judged yet"}.`;
export const whyTitle = (name, verdict) => `Why ${said(verdict).toLowerCase()}? ${name}`;
export const whyMoment = (verdict, time, value) =>
  `${verdict === "authentic" ? "The moment that looked most authentic" : "The moment that looked most synthetic"}: ${time}, p(synthetic) ${value}.`;
export const ADVICE = "Warm colours show where the model saw signs. It can be wrong: look at the face yourself before you act.";

export const KINDS = { camera: "Camera", stream: "Stream", screen: "Screen", test: "Test clip" };
export const FACES_ONLY = "only faces are shown";

/** How a source is; `short` for a narrow place. */
export function sourceWords(source, short = false) {
  switch (source?.state) {
    case "playing": {
      const rate = source.rate ? `, ${Math.round(source.rate)} pictures a second` : "";
      return short ? "Live" : `Live: ${source.size[0]} × ${source.size[1]}${rate}${source.differs ? ` (${source.differs})` : ""}`;
    }
    case "lost": {
      const next = `next try in ${(source.wait_ms / 1000).toFixed(0)} s`;
      return short ? "Lost" : `Source lost: ${source.reason}. Tried ${source.tries === 1 ? "once" : `${source.tries} times`}, ${next}`;
    }
    case "ended":
      return short ? "Ended" : "The source has ended";
    case "starting":
      return short ? "Opening" : "Opening the source";
    default:
      return "Connecting";
  }
}

export const GONE = "The program does not answer. What you see is old; trying again.";
export const recording = (text) => `Recording. ${text}`;
export const personName = (name) => `Person ${name}`;
export const WAITING = "Waiting for the first picture";
export const NOBODY = "No face in the picture";
export const NOBODY_WATCHED = "No source is playing";

/** How many of each kind. */
export function summary(counts) {
  const part = (kind) => (counts[kind] ? `${counts[kind]} ${kind}` : null);
  return ["synthetic", "unsure", "authentic"].map(part).filter(Boolean).join(", ");
}

export const titleOf = (counts, names) =>
  counts.synthetic ? `⚠ ${counts.synthetic} synthetic – cyborg live` : `${names.join(", ") || "cyborg"} – cyborg live`;

/** What a turn was. */
export const turned = (from) => (from ? `was ${from}` : "first verdict");
export const changed = { lost: "Source lost", playing: "Source is back", ended: "Source has ended" };
export const announced = (name, turn) =>
  `${personName(name)}: ${turn.to}${turn.reason ? `, ${(REASONS[turn.reason] ?? turn.reason).toLowerCase()}` : ""}`;
export const announcedChange = (source, change) => `${source}: ${changed[change.state].toLowerCase()}${change.reason ? `, ${change.reason}` : ""}`;

export const NUMBERS = {
  rate: "Pictures a second",
  shown_age: "Age when shown, mean",
  verdict_age: "Age when judged, mean",
  captured: "Frames captured",
  overwritten: "Replaced by newer ones",
  damaged: "Damaged",
  scored: "Faces judged",
  lost: "Source lost",
};
export const SOURCE = "Source";
export const PAUSED = "paused";
export const USED = { asked: "These are used now", own: "The model’s own are used now" };
export const SAVE = "Save picture";
export const ENLARGE = "Enlarge";
export const ALL = "Show all";
export const pictureLabel = (name, people) => `Picture of ${name}: ${people.length ? people.join(", ") : "no face"}`;
export const lineLabel = (people) =>
  people.length ? `p(synthetic) over time; at the end: ${people.join(", ")}` : "No line yet";
export const trendLabel = (name) => `p(synthetic) of person ${name} over the last minute`;
export const old = (seconds) => `judged ${seconds.toFixed(0)} s ago`;
export const LEFT = "Left the picture";
export const WHY = "Why?";
export const VALUE = "p(synthetic)";
