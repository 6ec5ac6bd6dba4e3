// Turns the form into a drop zone: each image is sent on its own, and its answer shown beside it.
// Without this script the form works too; the server then renders the same elements (page.rs).
"use strict";

const form = document.getElementById("upload");
const field = document.getElementById("file");
const notice = document.getElementById("notice");
const results = document.getElementById("results");
const clear = document.getElementById("clear");

const MOST_BYTES = Number(form.dataset.limit);
const ATTEMPTS = 10; // while the server says that it is busy

let line = Promise.resolve(); // the images wait here, one behind the other
let waiting = 0;

document.documentElement.classList.add("scripted");

field.addEventListener("change", () => {
  add(field.files);
  field.value = ""; // so that the same file can be chosen again
});

// Enter on the file field submits the form; the visitor meant to open it.
form.addEventListener("submit", (event) => {
  event.preventDefault();
  field.click();
});

document.addEventListener("paste", (event) => add(event.clipboardData.files));

// The whole window takes a drop: an image that misses the zone would otherwise replace the page.
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.documentElement.classList.add("dragging");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.documentElement.classList.remove("dragging");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.documentElement.classList.remove("dragging");
  add(event.dataTransfer.files);
});

clear.addEventListener("click", () => {
  for (const image of results.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  results.replaceChildren();
  clear.hidden = true;
  say("Cleared.");
  field.focus();
});

function add(files) {
  for (const file of files) {
    const item = show(file);
    waiting += 1;
    line = line.then(() => answer(file, item)).finally(() => { waiting -= 1; });
  }
}

function show(file) {
  const item = document.getElementById("result").content.firstElementChild.cloneNode(true);
  const image = item.querySelector("img");
  image.addEventListener("error", () => {
    URL.revokeObjectURL(image.src);
    image.replaceWith("No preview");
  });
  image.alt = `Your image ${file.name}`;
  image.src = URL.createObjectURL(file);
  item.classList.add("working");
  item.querySelector(".name").textContent = file.name;
  item.querySelector(".name").title = file.name;
  item.querySelector("h3").textContent = "Looking at it…";
  results.prepend(item);
  clear.hidden = false;
  return item;
}

/** To screen readers; eyes see the same on the results. */
function say(text) {
  notice.classList.add("spoken");
  notice.textContent = text;
}

async function answer(file, item) {
  if (!item.isConnected) return; // cleared before its turn
  say(waiting > 1 ? `Looking at ${file.name}; ${waiting - 1} more to go…` : `Looking at ${file.name}…`);
  try {
    fill(item, await predict(file));
  } catch (problem) {
    refuse(item, problem.message);
  }
  item.classList.remove("working");
  say(`${file.name}: ${item.querySelector("h3").textContent}. ${item.querySelector(".reading").textContent}`);
}

async function predict(file) {
  if (file.size > MOST_BYTES) {
    throw new Error(`This image is too large: at most ${form.dataset.limitText}.`);
  }
  const body = new FormData();
  body.append("file", file);
  const response = await send(body);
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(told.error || `The server answered with an error (${response.status}).`);
  return told.predictions[0];
}

async function send(body) {
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch("api/predict", { method: "POST", body }).catch(() => {
      throw new Error("The server cannot be reached. Is it still running?");
    });
    if (response.status !== 503 || attempt === ATTEMPTS) return response;
    const seconds = Number(response.headers.get("Retry-After")) || 1;
    await new Promise((resume) => setTimeout(resume, seconds * 1000));
  }
}

function fill(item, prediction) {
  item.querySelector("h3").textContent = prediction.class;
  item.querySelector(".reading").textContent = prediction.reading;
  const scores = Object.entries(prediction.scores).sort(([, left], [, right]) => right - left);
  item.querySelector(".scores").replaceChildren(...scores.map(([name, score]) => row(name, score, name === prediction.class)));
}

function row(name, score, isChosen) {
  const item = document.getElementById("score").content.firstElementChild.cloneNode(true);
  const [label, share, bar] = item.children;
  label.textContent = name;
  share.textContent = percent(score);
  bar.value = score;
  bar.setAttribute("aria-label", `Score for ${name}`);
  item.classList.toggle("chosen", isChosen);
  return item;
}

function refuse(item, why) {
  item.classList.add("refused");
  item.querySelector("h3").textContent = "No answer";
  item.querySelector(".reading").textContent = why;
}

// As html.rs: never rounds doubt away.
function percent(share) {
  if (share > 0.99 && share < 1) return "over 99%";
  if (share > 0 && share < 0.01) return "under 1%";
  return `${Math.round(share * 100)}%`;
}
