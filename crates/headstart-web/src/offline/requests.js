// What the page asks of the model, which runs in a worker of this browser. Nothing is sent anywhere.
import { say } from "./words.js";

const { limit, limitText } = document.getElementById("upload").dataset;
const MOST_BYTES = Number(limit);
const PATIENCE = 60_000; // milliseconds for one image, of which most take less than one hundredth

/** The module and the model: files beside the page, or inside of it. Asked for at once, so that they are there in time. */
const parts = Promise.all(["module", "model"].map(async (id) => {
  const part = document.getElementById(id);
  if (part.href) {
    const response = await fetch(part.href);
    if (!response.ok) throw new Error(`${part.href}: ${response.status}`);
    return response.arrayBuffer();
  }
  await new Promise((resume) => setTimeout(resume)); // the page is shown first
  const text = atob(part.textContent);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes.buffer;
}));

let worker = null;
let ready = null; // a promise, once there is a worker
let turn = Promise.resolve();
start().catch(() => {}); // who asks for an answer reads what went wrong

/** The answer to an image. */
export async function predict(file) {
  if (file.size > MOST_BYTES) throw new Error(say("image-too-large", { limit: limitText }));
  const answer = JSON.parse(new TextDecoder().decode(await inTurn("predict", file)));
  if (answer.error) throw new Error(answer.error);
  return answer;
}

/** The image as the model reads it, with a "heat-map" over it or "none": an address in this page's memory. */
export async function picture(file, layer) {
  return URL.createObjectURL(new Blob([await inTurn(layer, file)], { type: "image/png" }));
}

/** One task after the other, so that each has its own time. */
function inTurn(task, file) {
  const answer = turn.then(() => ask(task, file));
  turn = answer.catch(() => {});
  return answer;
}

async function ask(task, file) {
  await start();
  const bytes = await file.arrayBuffer();
  const told = await answerTo({ task, file: bytes }, PATIENCE);
  if (told.bytes) return told.bytes;
  if (told.error) throw new Error(JSON.parse(told.error).error);
  // The image has ended the module, or would not end: the next one gets a fresh module.
  stop();
  throw new Error(say("image-too-much"));
}

/** Waits for a worker that has loaded the model. */
function start() {
  ready ??= begin().catch((problem) => {
    stop();
    throw problem;
  });
  return ready;
}

function stop() {
  worker?.terminate();
  ready = null;
}

/** From a blob the worker is bound to the page's policy, too. */
async function begin() {
  const [module, model] = await parts.catch(() => { throw new Error(say("model-unreachable")); });
  const address = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  worker = new Worker(address);
  const told = await answerTo({ module, model, language: document.documentElement.lang });
  URL.revokeObjectURL(address);
  if (!told.ready) throw new Error(say("cannot-run", { why: told.error }));
}

/** What the worker says to a message; nothing when it has not said anything in time. */
function answerTo(message, patience) {
  return new Promise((resolve) => {
    const late = patience && setTimeout(() => resolve({}), patience);
    const end = (told) => {
      clearTimeout(late);
      resolve(told);
    };
    worker.onmessage = ({ data }) => end(data);
    worker.onerror = (event) => end({ error: event.message });
    worker.postMessage(message);
  });
}
