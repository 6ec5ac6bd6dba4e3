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

/** Two shares as percentages, with as many decimals as it takes to tell them apart, as language.rs. */
export function percentsApart(left, right) {
  const withDecimals = (decimals) => [left, right].map((share) => (
    say("percent", { number: (share * 100).toFixed(decimals).replace(".", STRINGS.decimal) })));
  const rounded = [percent(left), percent(right)];
  return [rounded, withDecimals(1), withDecimals(2)].find(([first, second]) => first !== second) ?? withDecimals(2);
}
