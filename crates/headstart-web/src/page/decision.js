// Which class an answer's scores stand for.

/** Of two classes the positive one from the threshold on; of more the one with the largest score. */
export function leading({ scores }, positive, threshold) {
  if (positive) {
    const negative = Object.keys(scores).find((name) => name !== positive);
    return scores[positive] >= threshold ? positive : negative;
  }
  return Object.entries(scores).reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}
