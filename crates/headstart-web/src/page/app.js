"use strict";
const $ = (id) => document.getElementById(id);
const element = (tag, text, name) => {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
};
const percent = (share) => `${(share * 100).toFixed(1)} %`;

async function about() {
  const model = await (await fetch("api/model")).json();
  $("title").textContent = model.classes.join(" or ") + "?";
  document.title = $("title").textContent;
  $("caution").textContent = model.caution;
  const facts = [["Backbone", model.backbone], ["Training images", String(model.training_images)]];
  for (const name of ["sensitivity", "specificity", "accuracy"]) {
    const estimate = model.test && model.test[name];
    if (estimate) facts.push([`Test ${name}`, `${percent(estimate.value)} (95 % interval ${percent(estimate.low)} to ${percent(estimate.high)})`]);
  }
  facts.push(["Threshold", `${model.positive} from a score of ${model.threshold.toFixed(3)} on`]);
  for (const [name, value] of facts) $("facts").append(element("dt", name), element("dd", value));
}

function show(file, answer) {
  const card = element("article", "", answer.error ? "result error" : "result");
  const picture = element("img");
  picture.alt = "";
  picture.src = URL.createObjectURL(file);
  const words = element("div");
  words.append(element("p", file.name, "name"), element("h3", answer.error ? "Cannot be classified" : answer.class));
  if (answer.error) words.append(element("p", answer.error));
  for (const [name, score] of Object.entries(answer.scores || {})) {
    const row = element("div", "", "score");
    const meter = element("meter");
    meter.value = score;
    meter.setAttribute("aria-label", `Score of ${name}`);
    row.append(element("span", name), meter, element("span", percent(score)));
    words.append(row);
  }
  card.append(picture, words);
  $("results").prepend(card);
}

async function classify(files) {
  for (const file of files) {
    $("state").textContent = `Looking at ${file.name} …`;
    const form = new FormData();
    form.append("file", file);
    try {
      const response = await fetch("api/predict", { method: "POST", body: form });
      const answer = await response.json();
      show(file, answer.predictions ? answer.predictions[0] : { error: answer.error });
      $("state").textContent = "";
    } catch {
      $("state").textContent = "The server cannot be reached. Is it still running?";
    }
  }
}

$("file").addEventListener("change", (event) => classify([...event.target.files]));
const drop = $("drop");
for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => { event.preventDefault(); classify([...event.dataTransfer.files]); });
document.addEventListener("paste", (event) => classify([...event.clipboardData.files]));
about();
