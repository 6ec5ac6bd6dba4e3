// What the page asks of the server, in the visitor's language.
import { say } from "./words.js";

const { query, limit, limitText } = document.getElementById("upload").dataset;
const MOST_BYTES = Number(limit);
const ATTEMPTS = 10; // while the server says that it is busy

/** The answer to an image. */
export async function predict(file) {
  if (file.size > MOST_BYTES) throw new Error(say("image-too-large", { limit: limitText }));
  const told = await (await send("api/predict", {}, file)).json();
  return told.predictions[0];
}

/** The image as the model reads it, with a "heat-map" over it or "none": an address in this page's memory. */
export async function picture(file, layer) {
  return URL.createObjectURL(await (await send("api/explain", { layer }, file)).blob());
}

async function send(path, parameters, file) {
  const address = `${path}?${new URLSearchParams([...new URLSearchParams(query), ...Object.entries(parameters)])}`;
  const body = new FormData();
  body.append("file", file);
  const response = await untilTaken(address, body);
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Error(told.error || say("server-error", { status: response.status }));
}

async function untilTaken(address, body) {
  for (let attempt = 1; ; attempt += 1) {
    const headers = { "Accept-Language": document.documentElement.lang };
    const response = await fetch(address, { method: "POST", body, headers }).catch(() => {
      throw new Error(say("unreachable"));
    });
    if (![429, 503].includes(response.status) || attempt === ATTEMPTS) return response;
    const seconds = Number(response.headers.get("Retry-After")) || 1;
    await new Promise((resume) => setTimeout(resume, seconds * 1000));
  }
}
