// Turns the form into a drop zone: each image is sent on its own, a few at a time, and its answer is shown.
// Without this script the form works too; the server then renders the same elements (page.rs).
import { Answers } from "./answers.js";
import { Decision } from "./decision.js";
import { predict } from "./requests.js";
import { offerThreshold } from "./threshold.js";
import { say } from "./words.js";

const form = document.getElementById("upload");
const notice = document.getElementById("notice");
const decision = new Decision(form.dataset);
const answers = new Answers(document.getElementById("answers"), decision, tell);

const AT_ONCE = 4; // the server predicts them together

const line = [];
let senders = 0;

document.documentElement.classList.add("scripted");
offerThreshold(document.getElementById("try-threshold"), decision, () => answers.decideAgain());

for (const field of document.querySelectorAll("#file, #camera")) {
  field.addEventListener("change", () => {
    add(field.files);
    field.value = ""; // so that the same file can be chosen again
  });
}

// Enter on a file field submits the form; the visitor meant to open it.
form.addEventListener("submit", (event) => {
  event.preventDefault();
  (document.activeElement.type === "file" ? document.activeElement : document.getElementById("file")).click();
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

for (const button of document.querySelectorAll("[data-example]")) {
  button.addEventListener("click", async () => {
    const image = await fetch(button.dataset.example).then((response) => response.blob()).catch(() => null);
    if (image) add([new File([image], button.dataset.name, { type: image.type })]);
    else tell(say("unreachable"));
  });
}

document.getElementById("clear").addEventListener("click", () => {
  line.length = 0;
  answers.clear();
  tell(say("cleared"));
  document.getElementById("file").focus();
});

function add(files) {
  line.push(...answers.add(files));
  while (senders < AT_ONCE && line.length > 0) {
    senders += 1;
    sendOn();
  }
}

/** Sends images as long as there are any. */
async function sendOn() {
  for (let entry = line.shift(); entry; entry = line.shift()) {
    tell([say("looking-at", { name: entry.name }), line.length ? say("more-to-go", { count: line.length }) : ""]
      .join(" ").trim());
    try {
      answers.fill(entry, await predict(entry.file));
    } catch (problem) {
      answers.refuse(entry, problem.message);
    }
  }
  senders -= 1;
  if (senders === 0) tell(answers.spoken());
}

/** To screen readers; eyes see the same on the answers. */
function tell(text) {
  notice.classList.add("spoken");
  notice.textContent = text;
}
