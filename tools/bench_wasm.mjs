// Times assets/headstart.wasm on one thread: node tools/bench_wasm.mjs MODEL.safetensors IMAGE... [--rounds N]
// From an image file's bytes to its answer in JSON: decoding, resizing, net, gate and words.
import fs from "node:fs";

const list = process.argv.slice(2);
const at = list.indexOf("--rounds");
const [, rounds] = at < 0 ? [] : list.splice(at, 2);
const [model, ...images] = list;

const bytes = fs.readFileSync(new URL("../assets/headstart.wasm", import.meta.url));
const start = performance.now();
const { exports } = (await WebAssembly.instantiate(bytes, {})).instance;
const give = (input) => {
  const address = exports.input(input.length); // which may make the memory grow
  new Uint8Array(exports.memory.buffer, address, input.length).set(input);
};
const output = () => Buffer.from(exports.memory.buffer, exports.output(), exports.output_length()).toString();
const [sealed, tag] = [fs.readFileSync(model), Buffer.from("en")];
give(Buffer.concat([sealed, tag]));
if (!exports.load(tag.length)) throw new Error(output());
console.log(`loaded after ${(performance.now() - start).toFixed(0)} ms, vectors: ${exports.is_vectorised() === 1}`);
for (const image of images) {
  const file = fs.readFileSync(image);
  const times = Array.from({ length: Number(rounds ?? 50) }, () => {
    const begin = performance.now();
    give(file);
    exports.predict();
    return performance.now() - begin;
  }).sort((left, right) => left - right);
  const { scores, error } = JSON.parse(output());
  console.log(`${image}: median ${times[times.length >> 1].toFixed(1)} ms, best ${times[0].toFixed(1)} ms, ${error ?? JSON.stringify(scores)}`);
}
