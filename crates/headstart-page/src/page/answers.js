// What is shown of the answers: one large, and from two images on a table that sorts and downloads.
import { offerHeatMap } from "./heat_map.js";
import { picture } from "./requests.js";
import { percent, say } from "./words.js";

const template = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

export class Answers {
  #entries = [];
  #shown = null;
  #lastAdded = []; // those that came together
  #order = { by: null, isDown: false };

  constructor(section, decision, tell) {
    this.tell = tell;
    this.decision = decision;
    this.detail = section.querySelector("#detail");
    this.batch = section.querySelector("#batch");
    this.rows = section.querySelector("tbody");
    this.clearing = section.querySelector("#clear");
    for (const button of section.querySelectorAll("[data-sort]")) {
      button.addEventListener("click", () => this.#sort(button));
    }
    section.querySelector("#csv").addEventListener("click", () => this.#download());
  }

  /** Shows files that are waiting for their answers, the first of them large. */
  add(files) {
    const entries = [...files].map((file) => this.#addOne(file));
    if (entries.length > 0) {
      this.#lastAdded = entries;
      this.#show(entries[0]);
      this.#scrollThere();
    }
    return entries;
  }

  #addOne(file) {
    const entry = { file, name: file.name, url: URL.createObjectURL(file), answer: null, error: null };
    entry.settled = new Promise((settle) => { entry.settle = settle; });
    entry.row = template("row");
    entry.row.querySelector(".name").textContent = entry.name;
    entry.row.querySelector("button").addEventListener("click", () => {
      this.#show(entry);
      this.#scrollThere();
    });
    preview(entry, entry.row.querySelector("img"), "");
    this.#entries.push(entry);
    this.rows.append(entry.row);
    this.#update(entry);
    return entry;
  }

  /** On a narrow screen to the top, so that the answer, which is not there yet, finds room below the image. */
  #scrollThere() {
    this.detail.scrollIntoView({ block: matchMedia("(max-width: 34rem)").matches ? "start" : "nearest" });
  }

  fill(entry, answer) {
    entry.answer = answer;
    entry.settle();
    this.#update(entry);
  }

  refuse(entry, why) {
    entry.error = why;
    entry.settle();
    this.#update(entry);
  }

  /** Another threshold is tried. */
  decideAgain() {
    for (const entry of this.#entries) this.#update(entry);
  }

  clear() {
    for (const { url, heatMap } of this.#entries) [url, heatMap].forEach((address) => URL.revokeObjectURL(address));
    this.#entries = [];
    this.#shown = null;
    this.#lastAdded = [];
    this.detail.replaceChildren();
    this.rows.replaceChildren();
    this.batch.hidden = true;
    this.clearing.hidden = true;
  }

  /** The last answers in a sentence, for those who listen. */
  spoken() {
    const [entry, ...others] = this.#lastAdded;
    if (!entry) return say("cleared");
    if (others.length > 0) return this.#summary();
    return `${entry.name}: ${this.#title(entry)}. ${entry.error ?? this.decision.reading(entry.answer)}`;
  }

  #update(entry) {
    const { row } = entry;
    mark(row, entry);
    row.querySelector(".class").textContent = this.#title(entry);
    row.querySelector("small").textContent = entry.error ?? "";
    const score = this.#score(entry);
    row.querySelector(".share").textContent = score === null ? "" : percent(score);
    const meter = row.querySelector("meter");
    meter.hidden = score === null;
    meter.value = score ?? 0;
    meter.setAttribute("aria-label", say("score"));
    this.clearing.hidden = false;
    this.batch.hidden = this.#entries.length < 2;
    this.batch.querySelector("h3").textContent = this.#summary();
    if (entry === this.#shown) this.#show(entry);
  }

  #summary() {
    const counts = new Map();
    for (const entry of this.#entries.filter(isDone)) {
      const title = this.#title(entry);
      counts.set(title, (counts.get(title) ?? 0) + 1);
    }
    const count = this.#entries.length;
    if (counts.size === 0) return say("all-images", { count });
    return say("summary", { count, parts: [...counts].map(([name, times]) => `${times}\u00a0×\u00a0${name}`).join(", ") });
  }

  #title({ error, answer }) {
    if (error !== null) return say("no-answer");
    if (answer === null) return say("looking");
    if (answer.verdict === "decided") return this.decision.shown(this.decision.answer(answer));
    return say(answer.verdict === "refused" ? "unfamiliar" : "undecided");
  }

  /** The score in the table: the positive class's, or the largest. That of a strange image means nothing. */
  #score({ answer }) {
    if (!answer || answer.verdict === "refused") return null;
    return answer.scores[this.decision.positive || this.decision.leading(answer)];
  }

  #show(entry) {
    const isSame = entry === this.#shown;
    this.#shown = entry;
    for (const { row } of this.#entries) row.querySelector("button").removeAttribute("aria-current");
    entry.row.querySelector("button").setAttribute("aria-current", "true");
    const result = isSame ? this.detail.firstElementChild : template("result");
    if (!isSame) preview(entry, result.querySelector("img"), say("your-image", { name: entry.name }));
    mark(result, entry);
    result.querySelector(".name").textContent = entry.name;
    result.querySelector(".name").title = entry.name;
    result.querySelector("h3").textContent = this.#title(entry);
    const reading = entry.answer ? this.decision.reading(entry.answer) : "";
    result.querySelector(".reading").textContent = entry.error ?? reading;
    const isFamiliar = entry.answer !== null && entry.answer.verdict !== "refused";
    result.querySelector(".scores").replaceChildren(...(isFamiliar ? this.#bars(entry.answer) : []));
    // What was measured was measured at the model's own threshold.
    result.querySelector(".reliability").hidden = !isFamiliar || !this.decision.isSealed;
    if (isFamiliar && !result.dataset.explained) {
      result.dataset.explained = true;
      offerHeatMap(result, entry, this.decision.shown(this.decision.explained(entry.answer)), this.tell);
    }
    if (!isSame) this.detail.replaceChildren(result);
  }

  #bars(answer) {
    const { decision } = this;
    if (decision.positive) return [this.#bar(answer.scores[decision.positive])];
    const sorted = Object.entries(answer.scores).sort(([, left], [, right]) => right - left);
    return sorted.map(([name, score]) => {
      const row = template("score");
      const [label, share, meter] = row.children;
      label.textContent = decision.shown(name);
      share.textContent = percent(score);
      meter.value = score;
      meter.setAttribute("aria-label", say("score-for", { class: decision.shown(name) }));
      row.classList.toggle("chosen", name === decision.answer(answer));
      return row;
    });
  }

  /** From 0 to 100 %, with the line from which on the positive class is the answer, as page.rs draws it. */
  #bar(score) {
    const { decision } = this;
    const [bar, at] = [template("bar"), `${100 * decision.threshold}%`];
    const [fill, line, text] = [".fill", "line", "text"].map((part) => bar.querySelector(part));
    fill.setAttribute("width", `${100 * score}%`);
    for (const end of ["x1", "x2"]) line.setAttribute(end, at);
    text.setAttribute("x", at);
    text.setAttribute("text-anchor", decision.threshold < 0.3 ? "start" : decision.threshold > 0.7 ? "end" : "middle");
    text.textContent = say("line-at", { class: decision.shown(decision.positive), line: percent(decision.threshold) });
    return bar;
  }

  #sort(button) {
    const by = button.dataset.sort;
    const isDown = this.#order.by === by ? !this.#order.isDown : by === "score";
    this.#order = { by, isDown };
    const value = { name: (entry) => entry.name, answer: (entry) => this.#title(entry), score: (entry) => this.#score(entry) }[by];
    const compare = (left, right) => {
      const [first, second] = [value(left), value(right)];
      if (first === null || second === null) return (first === null) - (second === null); // always last
      const order = by === "score" ? first - second : first.localeCompare(second, undefined, { numeric: true });
      return isDown ? -order : order;
    };
    this.rows.append(...this.#entries.toSorted(compare).map((entry) => entry.row));
    for (const heading of button.closest("tr").cells) heading.removeAttribute("aria-sort");
    button.closest("th").setAttribute("aria-sort", isDown ? "descending" : "ascending");
  }

  /** What the downloaded table says beside an answer that is not to be believed. */
  #remark(answer) {
    return !answer || answer.verdict === "decided" ? "" : this.decision.reading(answer);
  }

  /** The table in the order in which it is shown. */
  #download() {
    const shown = [...this.rows.children].map((row) => this.#entries.find((entry) => entry.row === row));
    const classes = Object.keys(shown.find((entry) => entry.answer)?.answer.scores ?? {});
    const head = [
      "file", "answer", "verdict", "plausible", ...classes.map((name) => `score_${name}`), "threshold", "remark",
    ];
    const { decision } = this;
    const threshold = decision.positive ? decision.threshold : "";
    const lines = shown.map(({ name, answer, error }) => [
      name, answer ? decision.answer(answer) ?? "" : "", answer?.verdict ?? "", answer?.plausible?.join("|") ?? "",
      ...classes.map((of) => answer?.scores[of] ?? ""), answer ? threshold : "", error ?? this.#remark(answer),
    ]);
    const text = [head, ...lines].map((line) => line.map(csvField).join(",")).join("\r\n");
    const link = document.createElement("a");
    link.download = "headstart.csv";
    link.href = URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}

const isDone = (entry) => entry.answer !== null || entry.error !== null;

/** Shows by its classes in which state an entry is. */
function mark(element, { answer, error }) {
  element.classList.toggle("working", answer === null && error === null);
  element.classList.toggle("unusable", error !== null);
  element.classList.toggle("undecided", answer?.verdict === "undecided");
  element.classList.toggle("unfamiliar", answer?.verdict === "refused");
}

/** An image that the browser cannot draw, such as a DICOM file, is drawn by the server once it has an answer. */
function preview(entry, image, alternative) {
  const giveUp = () => image.replaceWith(alternative && say("no-preview"));
  image.addEventListener("error", async () => {
    image.hidden = true;
    await entry.settled;
    if (entry.answer === null) return giveUp();
    entry.drawn ??= picture(entry.file, "none");
    const url = await entry.drawn.catch(() => null);
    if (url === null) return giveUp();
    entry.url = url;
    image.addEventListener("error", giveUp, { once: true });
    image.hidden = false;
    image.src = url;
  }, { once: true });
  image.alt = alternative;
  image.src = entry.url;
}

/** Quoted where needed; a text that a spreadsheet would take for a formula is kept from it. */
function csvField(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
