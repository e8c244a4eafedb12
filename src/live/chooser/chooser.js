// Choosing a screen: cards of what there is; once one is chosen, this page makes place for that of the run.

const part = (id) => document.getElementById(id);
const HIDDEN = "Hidden: it is minimised or on another desktop. Show it, then look again.";
const UNNAMED = "(no title)";
/** Between two tries to find the page of the run, in milliseconds. */
const EVERY = 500;
/** A model may take long to load; after so many tries the terminal knows more. */
const PATIENT = 60;

let looked = 0;

function say(words, fault = false) {
  part("words").textContent = words;
  part("words").classList.toggle("fault", fault);
}

function write(kind, words, parent) {
  const made = document.createElement("span");
  made.className = kind;
  made.textContent = words;
  parent.append(made);
  return made;
}

function card(screen) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "card";
  button.dataset.choice = screen.choice;
  button.disabled = screen.hidden;
  const shot = write("shot", screen.hidden ? "Hidden" : "", button);
  shot.setAttribute("aria-hidden", "true");
  if (!screen.hidden) {
    const picture = document.createElement("img");
    picture.alt = "";
    picture.addEventListener("error", () => { shot.textContent = "No picture"; });
    picture.src = `thumbnail.jpg?choice=${encodeURIComponent(screen.choice)}&look=${looked}`;
    shot.append(picture);
  }
  write("name", screen.title.trim() || UNNAMED, button);
  write("size", `${screen.width} × ${screen.height}`, button);
  if (screen.hidden) write("size", HIDDEN, button);
  button.addEventListener("click", () => choose(screen));
  item.append(button);
  return item;
}

function count(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

async function look() {
  part("again").disabled = true;
  say("Looking at what there is");
  try {
    const answer = await fetch("api/screens");
    if (answer.status === 404) return begin("A screen was chosen.");
    if (!answer.ok) return say(await answer.text(), true);
    looked += 1;
    const screens = await answer.json();
    const of = (kind) => screens.filter((screen) => screen.kind === kind);
    for (const kind of ["window", "monitor"]) part(`${kind}s`).replaceChildren(...of(kind).map(card));
    say(`${count(of("window").length, "window")} and ${count(of("monitor").length, "monitor")}. Choose one to begin.`);
  } catch {
    begin("The program doesn’t answer.");
  } finally {
    part("again").disabled = false;
  }
}

async function choose(screen) {
  const name = screen.title.trim() || screen.choice;
  try {
    const answer = await fetch("choose", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ choice: screen.choice }),
    });
    if (!answer.ok && answer.status !== 405) return say(await answer.text(), true);
  } catch {
    // The server goes once something is chosen: the answer may be lost on the way.
  }
  begin(`Chosen: ${name}.`);
}

/** Waits until the page of the run answers, which the chooser's server doesn't at this address, and goes there. */
async function begin(words) {
  part("choices").hidden = true;
  part("again").hidden = true;
  part("title").textContent = "One moment";
  part("title").focus();
  say(`${words} The run’s page comes by itself once it has begun.`);
  for (let tries = 1; ; tries += 1) {
    try {
      if ((await fetch("api/state")).ok) return location.replace("./");
    } catch {
      // It isn't there yet.
    }
    if (tries === PATIENT) say(`${words} It hasn’t begun yet: the terminal says what it is doing.`);
    await new Promise((done) => { setTimeout(done, EVERY); });
  }
}

// A token in the address doesn't stay there; the browser has it as a cookie by now.
if (location.search) history.replaceState(null, "", location.pathname);
part("again").addEventListener("click", look);
look();
