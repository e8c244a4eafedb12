// Speaks with the server: what is to be seen, pictures that are fetched ahead, and answers that are sent until they are kept.

// Why something is refused, in the server's words.
export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const response = await fetch(path, { credentials: "same-origin", ...options });
  if (!response.ok) throw new Refused(response.status, (await response.text()).trim());
  return response;
}

export async function state() {
  return (await ask("api/state")).json();
}

// Whether trying again may help: the connection is gone, or the server has no room.
export function mayPass(error) {
  return !(error instanceof Refused) || error.status >= 500 || error.status === 408 || error.status === 429;
}

export async function answer(given) {
  const body = JSON.stringify(given);
  return (await ask("api/answer", { method: "POST", headers: { "Content-Type": "application/json" }, body })).json();
}

// Pictures by their number, those that are wanted now and next.
const pictures = new Map();

export function picture(number) {
  if (!pictures.has(number)) {
    const coming = ask(`face/${number}`).then((response) => response.blob()).then((blob) => createImageBitmap(blob));
    // One that could not be had is asked for again.
    coming.catch(() => pictures.delete(number));
    pictures.set(number, coming);
  }
  return pictures.get(number);
}

export function forgetAllBut(numbers) {
  for (const [number, coming] of pictures) {
    if (!numbers.includes(number)) {
      pictures.delete(number);
      coming.then((bitmap) => bitmap.close(), () => {});
    }
  }
}
