"""Simulates how often the interval of the calibration error holds the true error, and what the debiased error is on
average. Prints a table; nothing is written. Needs numpy.

The truth is a net whose scores are wrong by a factor in log odds: 1 is calibrated. The error is that of ten bins of equal
width, so the true one is computed with the same bins on two million images.
"""

import numpy as np

BINS, Z = 10, 1.959963984540054


def bins(score):
    return np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], score, side="left")


def deviations(score, label, weight):
    """By bin: the sum of (score - label) over the number of all images."""
    return np.bincount(bins(score), weights=weight * (score - label), minlength=BINS) / weight.sum()


def debiased(score, label):
    """The plain error, and what is left when the error that chance alone gives is taken off."""
    from math import erf, exp, pi, sqrt

    place, total = bins(score), len(score)
    plain = value = 0.0
    for b in range(BINS):
        inside = place == b
        n = int(inside.sum())
        if n == 0:
            continue
        mean = score[inside].mean()
        off = abs(mean - label[inside].mean())
        share = (label[inside].sum() + mean) / (n + 1)
        sigma = sqrt(share * (1 - share) / n)
        folded = off
        if sigma > 0:
            folded = sigma * sqrt(2 / pi) * exp(-(off**2) / (2 * sigma**2)) + off * erf(off / (sigma * sqrt(2)))
        plain += n / total * off
        value += n / total * (2 * off - folded)
    return plain, max(value, 0.0)


def interval(score, label, random, replicates=200):
    whole = deviations(score, label, np.ones(len(score)))
    plain, value = debiased(score, label)
    absolute = square = 0.0
    percentile = []
    for _ in range(replicates):
        weight = np.bincount(random.integers(0, len(score), len(score)), minlength=len(score))
        drawn = deviations(score, label, weight)
        absolute += np.abs(drawn - whole).sum() / replicates
        square += ((drawn - whole) ** 2).sum() / replicates
        percentile.append(np.abs(drawn).sum())
    half = Z * np.sqrt(square)
    low = min(max(plain - absolute - half, 0.0), value)
    return plain, value, low, plain + half, np.quantile(percentile, [0.025, 0.975])


def draw(count, spread, factor, random):
    odds = random.normal(0, spread, count)
    label = (random.random(count) < 1 / (1 + np.exp(-odds))).astype(float)
    return 1 / (1 + np.exp(-factor * odds)), label


def main():
    random = np.random.default_rng(7)
    print("images  spread  factor  true error  plain   debiased  coverage  width   of percentiles")
    for count in (60, 200, 624):
        for spread in (1.0, 4.0):
            for factor in (1.0, 1.3, 2.0):
                score, label = draw(2_000_000, spread, factor, random)
                truth = np.abs(deviations(score, label, np.ones(len(score)))).sum()
                rows = [interval(*draw(count, spread, factor, random), random) for _ in range(300)]
                holds = np.mean([low <= truth <= high for _, _, low, high, _ in rows])
                old = np.mean([ends[0] <= truth <= ends[1] for *_, ends in rows])
                plain, value = np.mean([row[0] for row in rows]), np.mean([row[1] for row in rows])
                width = np.mean([row[3] - row[2] for row in rows])
                print(f"{count:6}  {spread:6}  {factor:6}  {truth:10.4f}  {plain:.4f}  {value:.4f}    {holds:8.3f}  {width:.4f}  {old:.3f}")


main()
