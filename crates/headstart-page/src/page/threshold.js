// A slider that tries another threshold: what it would have come to on the held-out images, and on the answers above.
import { percent, say } from "./words.js";

export function offerThreshold(panel, decision, changed) {
  if (!panel) return;
  const [slider, shown, consequence, reset] =
    ["input", "output", ".consequence", "button"].map((part) => panel.querySelector(part));
  const { positives, negatives, steps } = JSON.parse(panel.dataset.points);

  const tell = () => {
    const said = percent(decision.threshold);
    const [found, spared] = steps[Math.round(100 * decision.threshold)];
    shown.textContent = said;
    slider.setAttribute("aria-valuetext", said);
    consequence.textContent = say("threshold-comes-to", {
      found, positives, spared, negatives, positive: decision.shown(decision.positive),
      negative: decision.shown(Object.keys(decision.names).find((name) => name !== decision.positive)),
    });
    reset.hidden = decision.isSealed;
  };
  const set = (threshold) => {
    decision.threshold = threshold;
    tell();
    changed();
  };
  slider.addEventListener("input", () => set(Number(slider.value) / 100));
  reset.addEventListener("click", () => {
    slider.value = 100 * decision.sealed;
    set(decision.sealed);
    slider.focus();
  });
  slider.value = 100 * decision.sealed;
  tell();
}
