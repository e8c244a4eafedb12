// The flow: see a face, say what it is and how sure one is, paint what was telling, go on.
//
// What was begun is kept for this tab alone, so that a reload loses nothing, and goes away when the server has it.

import { Clock } from "./clock.js";
import { RADII, Stage, ZOOM_STEP } from "./stage.js";
import * as server from "./server.js";

const KEPT = "cyborg-annotate";
const SURE = [0.5, 0.6, 0.7, 0.8, 0.9, 1];
// Waits between tries to send an answer, in seconds.
const TRIES = [1, 2, 4, 8, 15];

const at = (id) => document.getElementById(id);
const clock = new Clock();
const stage = new Stage(at("stage"), changed);

const names = { real: "Real", synthetic: "Synthetic" };
let told = null;
// What is said of the face so far.
let work = null;
let photos = [];
let paused = false;
let sending = false;
let welcomed = false;
let veilDoes = () => {};
let timer = null;

// ---- What is kept for a reload ----

function keep() {
  if (!work) return;
  work.seconds = work.answer === null ? clock.now() : work.seconds;
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(work));
  } catch {
    // No room, or not allowed: then a reload begins this face anew.
  }
}

function kept(item) {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEPT));
    return found?.item === item ? found : null;
  } catch {
    return null;
  }
}

// ---- Steps ----

function go(step) {
  document.body.dataset.step = step;
  at("pause").hidden = !["question", "sure", "paint"].includes(step);
}

function veil(title, words, button, does) {
  at("veil-title").textContent = title;
  at("veil-words").textContent = words;
  at("veil-go").textContent = button ?? "";
  at("veil-go").hidden = !button;
  veilDoes = does;
  at("veil").hidden = false;
  if (button) at("veil-go").focus();
}

function say(words) {
  at("spoken").textContent = words;
}

async function take(state) {
  told = state;
  const { done, all, sitting, most } = told.progress;
  at("progress").max = Math.max(all, 1);
  at("progress").value = done;
  at("progress-words").textContent = `${done} of ${all}`;
  at("sitting-words").textContent = most ? `, ${sitting} of ${most} in this sitting` : "";
  clearTimeout(timer);
  if (told.rest) return rest(told.rest);
  if (!told.item) {
    uncover([]);
    go("ended");
    return veil("That was the last one", `You have answered all ${all}. Thank you!\nYou can close this page.`);
  }
  const item = told.item.item;
  const now = told.item.pictures.map((picture) => picture.picture);
  const coming = await Promise.all(now.map((number) => server.picture(number)));
  if (told.item?.item !== item) return;
  uncover(coming);
  server.forgetAllBut([...now, ...told.next]);
  for (const number of told.next) server.picture(number).catch(() => {});
  const before = kept(item);
  if (!welcomed && !before) return welcome();
  begin(before);
}

// Puts photos on the stage in place of those before, which go away.
function uncover(next) {
  photos = next;
  stage.show(photos);
}

function welcome() {
  go("welcome");
  const pairs = told.question === "pairs";
  const task = pairs ? "Two faces at a time: one is a photo, the other is synthetic." : "Some of these faces are photos, others are synthetic.";
  const words = `${task} Say which, how sure you are, and paint what made you think so.\n\nYour answers go to whoever runs this study, and nowhere else. You can stop at any time, and go on later.`;
  veil(told.progress.done ? "Welcome back" : "Welcome", words, told.progress.done ? "Go on" : "Begin", () => begin(null));
}

function begin(before) {
  welcomed = true;
  // The study's words may be others by now.
  if (before) before.words = before.words.filter((word) => told.words.includes(word));
  work = before ?? {
    item: told.item.item, step: "question", answer: null, confidence: null, seconds: 0, steps: [], undone: [], words: [], text: "",
  };
  at("veil").hidden = true;
  paused = false;
  fault(null);
  const { asked } = told.item;
  at("instruction").hidden = !asked;
  nameSides();
  at("instruction").textContent = asked ? `This one is to see whether you are with us: please answer “${names[asked]}”, and say that it is a guess (50).` : "";
  const pairs = told.question === "pairs";
  at("question").textContent = pairs ? "Which of the two is synthetic?" : "Is this face real or synthetic?";
  for (const button of document.querySelectorAll(".answer")) button.hidden = ["left", "right"].includes(button.dataset.answer) !== pairs;
  fillWords();
  at("text").value = work.text;
  at("stage").setAttribute("aria-label", pairs ? "Two faces, side by side" : "A face");
  clock.begin(work.seconds);
  if (work.answer !== null) clock.pause();
  step(work.step);
  const number = told.progress.done + 1;
  say(`Face ${number} of ${told.progress.all}. ${asked ? at("instruction").textContent : at("question").textContent}`);
  // It came while nobody looked.
  if (document.hidden) pause(true);
}

// What the answers are called: sides as they lie on this screen.
function nameSides() {
  const beside = stage.panes().at(-1).left > 0;
  [names.left, names.right] = beside ? ["Left one", "Right one"] : ["Upper one", "Lower one"];
  for (const button of document.querySelectorAll(".answer")) button.querySelector("b").textContent = names[button.dataset.answer];
}

// Shows a step of the face that is there.
function step(name) {
  edited();
  work.step = name;
  go(name);
  const pairs = told.question === "pairs";
  at("said").hidden = name === "question";
  at("change-answer").textContent = names[work.answer] ?? "";
  at("change-sure").textContent = work.confidence === null ? "" : `${Math.round(work.confidence * 100)} % sure`;
  at("change-sure").hidden = name !== "paint";
  if (name === "paint") {
    const picked = pairs ? photos[work.answer === "left" ? 0 : 1] : photos[0];
    if (!stage.painting || stage.photos[0] !== picked) {
      if (pairs) stage.show([picked]);
      stage.paint(work.steps, work.undone);
    }
    at("paint-title").textContent = work.answer === "real" ? "Paint what looks real" : "Paint what gave it away";
    useTool("brush");
    at("stage").focus({ preventScroll: true });
  } else if (pairs && stage.photos.length === 1) stage.show(photos);
  document.querySelector(".panel").scrollTop = 0;
  changed();
}

function answer(reply) {
  edited();
  if (reply !== work.answer && told.question === "pairs") [work.steps, work.undone] = [[], []];
  if (work.answer === null) work.seconds = clock.now();
  work.answer = reply;
  clock.pause();
  step("sure");
  say(`${names[reply]}. How sure are you?`);
  at("sureness").querySelector("button").focus({ preventScroll: true });
}

function sure(confidence) {
  work.confidence = confidence;
  // What a check asks for has nothing to be painted.
  if (told.item.asked) return send();
  step("paint");
  say(`${at("paint-title").textContent}. Enter goes on.`);
}

function back() {
  if (work.step === "paint") step("sure");
  else if (work.step === "sure") step("question");
}

// The painting is another one.
function changed() {
  edited();
  if (work?.step === "paint" && stage.painting) {
    const { mask, steps, undone } = stage.painting;
    [work.steps, work.undone] = [steps, undone];
    const share = (100 * mask.area) / (mask.width * mask.height);
    at("stage").setAttribute("aria-label", `A face, ${share.toFixed(1)} % of it painted`);
    at("undo").disabled = steps.length === 0;
    at("redo").disabled = undone.length === 0;
    at("clear").disabled = mask.area === 0;
    at("size").value = RADII.indexOf(stage.radius);
    at("size-words").textContent = `${2 * stage.radius} pixels`;
  }
  keep();
}

// ---- Sending ----

function fault(words) {
  at("fault").hidden = !words;
  at("fault-words").textContent = words ?? "";
}

// An answer that waits to be sent again is another one now: it is sent when the annotator says so.
function edited() {
  if (sending || at("fault").hidden) return;
  clearTimeout(timer);
  fault(null);
}

async function send(tries = 0) {
  if (sending || !work) return;
  sending = true;
  clearTimeout(timer);
  stage.close();
  const check = Boolean(told.item.asked);
  const index = work.answer === "right" ? 1 : 0;
  const { width, height } = told.item.pictures[index];
  const given = {
    item: work.item,
    answer: work.answer,
    confidence: work.confidence,
    seconds: work.seconds,
    width,
    height,
    painted: check || !stage.painting ? [width * height] : stage.painting.mask.runs(),
    words: check ? [] : work.words,
    text: check ? "" : work.text.trim(),
  };
  keep();
  at("next").disabled = true;
  try {
    const next = await server.answer(given);
    forget();
    await show(next);
  } catch (error) {
    if (server.mayPass(error) && work) {
      const why = error instanceof server.Refused ? error.message : "There is no connection.";
      fault(`${why} Your answer is kept here and sent again by itself.`);
      timer = setTimeout(() => send(tries + 1), 1000 * TRIES[Math.min(tries, TRIES.length - 1)]);
    } else refused(error);
  } finally {
    sending = false;
    at("next").disabled = false;
  }
}

function forget() {
  work = null;
  try {
    sessionStorage.removeItem(KEPT);
  } catch {
    // Then it was never kept.
  }
}

// Shows what the server tells; a picture that doesn't come is asked for again.
async function show(state) {
  try {
    await take(state);
  } catch (error) {
    if (!server.mayPass(error)) return refused(error);
    go("loading");
    veil("There is no connection", "The next face can't be fetched. Your answers are kept.", "Try again", load);
    timer = setTimeout(load, 3000);
  }
}

function refused(error) {
  fault(null);
  go("loading");
  clock.pause();
  if (error.status === 401) return veil("Who are you?", "Open this page by the link that you were given.");
  if (error.status === 409) {
    forget();
    return veil("This face is answered already", "Is the page open elsewhere too? Your other answers are kept.", "Go on", load);
  }
  if (error.status === 404) {
    forget();
    return veil("Somebody else is here", "This browser was used with another link meanwhile. Open your own link again.", "Try again", load);
  }
  veil("That did not work", error.message, "Try again", load);
}

async function load() {
  clearTimeout(timer);
  try {
    await show(await server.state());
  } catch (error) {
    if (!server.mayPass(error)) return refused(error);
    go("loading");
    veil("There is no connection", "Trying again by itself.", "Try now", load);
    timer = setTimeout(load, 2000);
  }
}

// ---- Pauses and rests ----

// An answer on its way comes first, unless the next face is there and nobody looks.
function pause(unseen = false) {
  if (paused || !work || (sending && !unseen)) return;
  paused = true;
  const again = !at("fault").hidden;
  clearTimeout(timer);
  clock.pause();
  keep();
  const before = work.step;
  go("paused");
  veil("Paused", "The clock stands still, and the face is covered.", "Go on", () => {
    paused = false;
    at("veil").hidden = true;
    if (work.answer === null) clock.go();
    step(before);
    if (again) send();
  });
}

function rest(seconds) {
  uncover([]);
  go("ended");
  const until = Date.now() + seconds * 1000;
  const show = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left <= 0) return veil("Rested?", "The next sitting can begin.", "Go on", load);
    const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    veil("Time for a rest", `You have done ${told.progress.sitting} in this sitting: after that, eyes get tired.\nThe next sitting can begin in ${time}. You can close this page, all is kept.`);
    timer = setTimeout(show, 1000);
  };
  show();
}

// ---- Controls ----

function fillWords() {
  const chips = told.words.map((word) => {
    const label = document.createElement("label");
    label.className = "chip";
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: work.words.includes(word) });
    box.addEventListener("change", () => {
      edited();
      work.words = told.words.filter((each) => (each === word ? box.checked : work.words.includes(each)));
      keep();
    });
    label.append(box, Object.assign(document.createElement("span"), { textContent: word }));
    return label;
  });
  at("words").replaceChildren(at("words").querySelector("legend"), ...chips);
  at("words").hidden = chips.length === 0;
}

function useTool(tool) {
  stage.use(tool);
  document.body.dataset.tool = tool;
  for (const button of document.querySelectorAll("[data-tool]:not(body)")) button.setAttribute("aria-pressed", button.dataset.tool === tool);
}

function peek() {
  stage.shown = !stage.shown;
  at("peek").setAttribute("aria-pressed", !stage.shown);
  stage.draw();
}

function resize(by) {
  stage.resize(by);
  changed();
}

const click = (id, does) => at(id).addEventListener("click", does);
click("veil-go", () => veilDoes());
click("again", () => send());
click("pause", () => pause());
click("help", () => at("keys").showModal());
click("change-answer", () => step("question"));
click("change-sure", () => step("sure"));
click("nearer", () => stage.zoomBy(ZOOM_STEP));
click("farther", () => stage.zoomBy(1 / ZOOM_STEP));
click("whole", () => stage.far());
click("undo", () => stage.undo());
click("redo", () => stage.redo());
click("clear", () => stage.clear());
click("peek", peek);
click("next", () => send());
for (const button of document.querySelectorAll(".answer")) button.addEventListener("click", () => answer(button.dataset.answer));
for (const button of document.querySelectorAll("[data-tool]:not(body)")) button.addEventListener("click", () => useTool(button.dataset.tool));
SURE.forEach((share, index) => {
  const button = Object.assign(document.createElement("button"), { type: "button" });
  const key = Object.assign(document.createElement("kbd"), { textContent: index + 1 });
  const words = { 0: ", a guess", 5: ", certain" }[index] ?? "";
  button.append(Object.assign(document.createElement("span"), { textContent: Math.round(share * 100) }), key);
  button.setAttribute("aria-label", `${Math.round(share * 100)} percent${words}`);
  button.addEventListener("click", () => sure(share));
  at("sureness").append(button);
});
at("size").max = RADII.length - 1;
at("size").addEventListener("input", () => {
  stage.radius = RADII[at("size").value];
  changed();
  stage.draw();
});
at("text").addEventListener("input", () => {
  edited();
  work.text = at("text").value;
  keep();
});
document.addEventListener("visibilitychange", () => document.hidden && pause());
window.addEventListener("pagehide", keep);
window.addEventListener("online", () => !at("fault").hidden && send());

// ---- Keys ----

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// What a key does at each step; true where it does something.
function questionKey(key) {
  const replies = told.question === "pairs" ? { 1: "left", 2: "right", ArrowLeft: "left", ArrowRight: "right" } : { r: "real", s: "synthetic", 1: "real", 2: "synthetic" };
  if (replies[key]) answer(replies[key]);
  return Boolean(replies[key]);
}

function sureKey(key) {
  const share = SURE[Number(key) - 1];
  if (share) sure(share);
  return Boolean(share);
}

function paintKey(key, event) {
  const onStage = document.activeElement === at("stage");
  const tools = { b: "brush", e: "eraser", p: "polygon", m: "move" };
  if ((event.ctrlKey || event.metaKey) && key === "z") event.shiftKey ? stage.redo() : stage.undo();
  else if ((event.ctrlKey || event.metaKey) && key === "y") stage.redo();
  else if (event.ctrlKey || event.metaKey) return false;
  else if (onStage && ARROWS[event.key]) stage.step(...ARROWS[event.key], event.altKey ? "fine" : event.shiftKey ? "coarse" : "");
  else if (onStage && key === " ") stage.press();
  else if (key === "enter" && stage.shape.length) stage.close();
  else if (key === "enter" && (onStage || document.activeElement === document.body || document.activeElement.type === "checkbox")) send();
  else if (tools[key]) useTool(tools[key]);
  else if (key === "[") resize(-1);
  else if (key === "]") resize(1);
  else if (key === "delete" || key === "backspace") stage.clear();
  else if (key === "v") peek();
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  const typing = event.target === at("text");
  if (at("keys").open || !at("veil").hidden || !work || sending) return;
  if (typing && event.key === "Enter" && (event.ctrlKey || event.metaKey)) return send();
  if (typing && event.key === "Escape") return at("stage").focus();
  if (typing || (event.target === at("size") && ARROWS[event.key])) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const by = { question: questionKey, sure: sureKey, paint: (_, each) => paintKey(event.key.toLowerCase(), each) }[work.step];
  let done = true;
  if (event.key === "Escape" && stage.shape.length) {
    stage.shape = [];
    stage.draw();
  } else if (event.key === "Escape") back();
  else if (event.key === "+" || event.key === "=") stage.zoomBy(ZOOM_STEP);
  else if (event.key === "-") stage.zoomBy(1 / ZOOM_STEP);
  else if (event.key === "0") stage.far();
  else if (event.key === "?") at("keys").showModal();
  else if (work.step !== "paint" && (event.ctrlKey || event.metaKey || event.altKey)) done = false;
  else done = by(key, event);
  if (done) event.preventDefault();
});
document.addEventListener("keyup", (event) => event.key === " " && stage.release());

// The code is in a cookie by now; an address is seen over shoulders, and kept in histories.
if (location.search) history.replaceState(null, "", location.pathname);
load();
