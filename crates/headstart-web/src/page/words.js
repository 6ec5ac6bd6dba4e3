// The page's texts, in the visitor's language, as the server put them into the page.

const STRINGS = JSON.parse(document.body.dataset.strings);

/** A text with values in the place of its {names}. */
export function say(key, values = {}) {
  return STRINGS[key].replace(/\{([^}]*)\}/g, (_, name) => values[name] ?? "");
}

/** A share as a whole percentage that never rounds doubt away, as language.rs. */
export function percent(share) {
  if (share > 0.99 && share < 1) return say("percent-over", { number: 99 });
  if (share > 0 && share < 0.01) return say("percent-under", { number: 1 });
  return say("percent", { number: Math.round(share * 100) });
}
