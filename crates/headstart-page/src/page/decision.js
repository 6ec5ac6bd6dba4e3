// Which class an answer's scores stand for, at the model's threshold or at one that the visitor tries.
import { percent, percentsApart, say } from "./words.js";

export class Decision {
  /** `positive` is the class that the threshold decides, of two; otherwise empty. `names` are for people. */
  constructor({ positive, threshold, names }) {
    this.positive = positive;
    this.sealed = Number(threshold);
    this.threshold = this.sealed;
    this.names = JSON.parse(names);
  }

  get isSealed() {
    return this.threshold === this.sealed;
  }

  /** How a class is called where people read of it. */
  shown(name) {
    return this.names[name] ?? name;
  }

  /** The class that the scores stand for, whether or not it is to be believed. */
  leading(answer) {
    return this.#at(this.threshold, answer);
  }

  /** The class that the server draws a heat map for: it knows nothing of a threshold that is tried. */
  explained(answer) {
    return this.#at(this.sealed, answer);
  }

  #at(threshold, { scores }) {
    if (!this.positive) return Object.entries(scores).reduce((best, next) => (next[1] > best[1] ? next : best))[0];
    const negative = Object.keys(scores).find((name) => name !== this.positive);
    return scores[this.positive] >= threshold ? this.positive : negative;
  }

  /** The class that is the answer; null where there is none. */
  answer(answer) {
    if (answer.verdict !== "decided") return null;
    return this.isSealed ? answer.class : this.leading(answer);
  }

  /** What the score says, in words: the server's, unless another threshold is tried. */
  reading(answer) {
    if (this.isSealed || answer.verdict === "refused") return answer.reading;
    const [score, line] = percentsApart(answer.scores[this.positive], this.threshold);
    const key = this.leading(answer) === this.positive ? "reading-positive" : "reading-negative";
    const said = say(key, { class: this.shown(this.positive), score, line });
    return `${answer.verdict === "undecided" ? `${say("undecided")}. ` : ""}${said} ${say("threshold-tried", { line: percent(this.sealed) })}`;
  }
}
