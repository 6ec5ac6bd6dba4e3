// Runs the model, beside the page, so that the page stays awake. The first message brings module and model, each other
// one a task with a file.
let exports = null;

onmessage = async ({ data }) => {
  postMessage(data.module ? await load(data) : work(data));
};

async function load({ module, model, language }) {
  try {
    ({ exports } = (await WebAssembly.instantiate(module, {})).instance);
    const tag = new TextEncoder().encode(language);
    const input = new Uint8Array(model.byteLength + tag.length);
    input.set(new Uint8Array(model));
    input.set(tag, model.byteLength);
    give(input);
    return exports.load(tag.length) ? { ready: true } : { error: new TextDecoder().decode(output()) };
  } catch (problem) {
    return { error: String(problem) };
  }
}

/** What comes of a task; nothing when the file has ended the module. */
function work({ task, file }) {
  try {
    give(new Uint8Array(file));
    const isFine = task === "predict" ? exports.predict() : exports.picture(task === "heat-map" ? 1 : 0);
    return isFine ? { bytes: output() } : { error: new TextDecoder().decode(output()) };
  } catch {
    return {};
  }
}

function give(bytes) {
  const address = exports.input(bytes.length);
  new Uint8Array(exports.memory.buffer, address, bytes.length).set(bytes);
}

/** A copy: the next call writes over it. */
function output() {
  return new Uint8Array(exports.memory.buffer, exports.output(), exports.output_length()).slice();
}
