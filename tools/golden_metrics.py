"""Golden metrics for crates/headstart/tests/metrics.rs, from code that headstart shares nothing with.

scikit-learn counts, statsmodels gives Wilson's interval, the calibration's slope and intercept and McNemar's test,
confidenceinterval gives DeLong's interval, cut to 0 to 1 here, MLstatkit DeLong's paired test. Scores are multiples of 1/64, so that they are exact in f32 and ties happen.

    pip install numpy scikit-learn statsmodels confidenceinterval MLstatkit
    python tools/golden_metrics.py
"""

import json
import warnings
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from confidenceinterval import roc_auc_score as auc_with_delong
from MLstatkit import Delong_test
from scipy.stats import chi2, foldnorm
from sklearn import metrics
from sklearn.calibration import _SigmoidCalibration, calibration_curve
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

warnings.simplefilter("ignore")
GOLDEN = Path(__file__).parent.parent / "crates/headstart/tests/golden/metrics.json"
STEPS = 64
THRESHOLD = 0.375


def wilson(hits, total):
    low, high = proportion_confint(hits, total, method="wilson")
    return [hits / total, low, high]


def delong(truth, scores):
    value, (low, high) = auc_with_delong(truth.tolist(), scores.tolist())
    return [float(value), max(float(low), 0.0), min(float(high), 1.0)]


def draw(random, images, shares, strength):
    """Labels, and scores [images, classes] in steps of 1/64 that sum to 1 and lean to the label."""
    classes = len(shares)
    labels = random.choice(classes, size=images, p=shares)
    logits = random.normal(size=(images, classes)) + strength * np.eye(classes)[labels]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    steps = np.floor(scores * STEPS)
    steps[:, 0] += STEPS - steps.sum(axis=1)
    return labels, steps / STEPS


def claims(labels, scores, positive):
    """What a score claims, and whether it is so: the positive's of two classes, the largest of more."""
    if scores.shape[1] == 2:
        return scores[:, positive], labels == positive
    return scores.max(axis=1), scores.argmax(axis=1) == labels


def debiased(score, is_so):
    """The calibration error without what chance adds: what a folded normal's mean (scipy) has above each distance."""
    place, value = np.searchsorted(np.linspace(0, 1, 11)[1:-1], score), 0.0
    for b in np.unique(place):
        inside = place == b
        n, mean, hits = int(inside.sum()), score[inside].mean(), int(is_so[inside].sum())
        off, share = abs(mean - hits / n), (hits + mean) / (n + 1)
        error = np.sqrt(share * (1 - share) / n)
        value += n * (2 * off - foldnorm.mean(off / error, scale=error))
    return float(max(value / len(score), 0.0))


def calibration(labels, scores, positive):
    score, is_so = claims(labels, scores, positive)
    share, mean = calibration_curve(is_so, score, n_bins=10)
    images = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], score), minlength=10)
    ece = float(np.abs(share - mean) @ images[images > 0] / len(score))
    kept = np.clip(score, 1e-7, 1 - 1e-7)
    odds = np.log(kept / (1 - kept))
    line = sm.Logit(is_so.astype(float), sm.add_constant(odds)).fit(disp=0)
    family = sm.families.Binomial()
    shift = sm.GLM(is_so.astype(float), np.ones(len(odds)), family=family, offset=odds).fit(tol=1e-14)
    wald = lambda fit, index: [float(fit.params[index]), *map(float, fit.conf_int()[index])]
    return {"ece": ece, "debiased": debiased(score, is_so), "slope": wald(line, 1), "intercept": wald(shift, 0)}


def case(name, labels, scores, positive):
    classes = scores.shape[1]
    binary = classes == 2
    if binary:
        predicted = np.where(scores[:, positive] >= THRESHOLD, positive, 1 - positive)
        truth = labels == positive
        aucs = [delong(truth, scores[:, positive])]
        brier = metrics.brier_score_loss(truth, scores[:, positive])
    else:
        predicted = scores.argmax(axis=1)
        aucs = [delong(labels == c, scores[:, c]) for c in range(classes)]
        brier = metrics.brier_score_loss(labels, scores, labels=range(classes))
    confusion = metrics.confusion_matrix(labels, predicted, labels=range(classes))
    of_interest = [positive] if binary else range(classes)
    f1 = metrics.f1_score(labels, predicted, labels=list(of_interest), average="macro")
    recalls = [wilson(confusion[c, c], confusion[c].sum()) for c in of_interest]
    specificities = []
    for c in of_interest:
        negatives = labels != c
        specificities.append(wilson(int((negatives & (predicted != c)).sum()), int(negatives.sum())))
    return {
        "name": name,
        "labels": labels.tolist(),
        "steps": (scores * STEPS).astype(int).tolist(),
        "positive": positive,
        "confusion": confusion.tolist(),
        "accuracy": wilson(int((labels == predicted).sum()), len(labels)),
        "auc": metrics.roc_auc_score(truth, scores[:, positive]) if binary
        else metrics.roc_auc_score(labels, scores, multi_class="ovr", average="macro"),
        "auc_of_classes": aucs,
        "recall_of_classes": recalls,
        "specificity_of_classes": specificities,
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "f1": f1,
        "mcc": metrics.matthews_corrcoef(labels, predicted),
        "average_precision": float(np.mean([
            metrics.average_precision_score(labels == c, scores[:, c]) for c in of_interest])),
        "ppv_of_classes": [wilson(confusion[c, c], confusion[:, c].sum()) for c in of_interest],
        "npv_of_classes": [
            wilson(int(((labels != c) & (predicted != c)).sum()), int((predicted != c).sum()))
            for c in of_interest],
        "calibration": calibration(labels, scores, positive),
        "log_loss": metrics.log_loss(labels, scores, labels=range(classes)),
        "brier": brier,
    }


def platt(random):
    """Platt's line by scikit-learn, on log odds in steps of 1/8."""
    labels = (random.random(50) < 0.4).astype(int)
    odds = np.round(8 * (2 * random.normal(size=50) + 3 * labels - 1)) / 8
    fitted = _SigmoidCalibration().fit(odds, labels)
    # scikit-learn: 1 / (1 + exp(a x + b))
    return {"labels": labels.tolist(), "odds": odds.tolist(), "slope": -fitted.a_, "intercept": -fitted.b_}


def pair(random):
    """Two classifiers on the same images: DeLong's paired test and McNemar's."""
    labels = (random.random(80) < 0.5).astype(int)
    first, second = (np.round(STEPS * np.clip(0.5 + 0.2 * random.normal(size=80) + lean * (labels - 0.5), 0, 1)) / STEPS
                     for lean in (0.4, 0.2))
    test = Delong_test(labels, first, second, verbose=0)
    right = lambda scores: (scores >= 0.5) == labels
    table = [[int((right(first) == a).astype(int) @ (right(second) == b)) for b in (True, False)] for a in (True, False)]
    difference = metrics.roc_auc_score(labels, first) - metrics.roc_auc_score(labels, second)
    return {"labels": labels.tolist(), "first": (first * STEPS).astype(int).tolist(),
            "second": (second * STEPS).astype(int).tolist(), "difference": difference,
            "p": float(test[1]), "mcnemar_p": float(mcnemar(table, exact=True).pvalue)}


def patients(random):
    """Two classifiers on patients with one to six images: the test of Durkalski et al. 2003, and beside it how often
    random signs of the patients' mean differences give as much (a permutation test, which needs no distribution)."""
    groups = np.repeat(np.arange(90), random.integers(1, 7, size=90))
    of_patient = random.normal(size=90)[groups]
    first, second = ((of_patient + random.normal(size=len(groups)) + lean > 0).astype(int) for lean in (0.6, 0.25))
    images = np.bincount(groups)
    means = np.bincount(groups, weights=first - second) / images
    statistic = means.sum() ** 2 / (means**2).sum()
    signs = random.choice([-1, 1], size=(100_000, len(means)))
    return {"groups": groups.tolist(), "first": first.tolist(), "second": second.tolist(),
            "p": float(chi2.sf(statistic, 1)),
            "permutation_p": float((np.abs(signs @ means) >= abs(means.sum()) - 1e-12).mean())}


def many_classes(random):
    """How many labels are among the five largest of eight scores, no two of which are equal."""
    labels = random.integers(0, 8, size=60)
    ranks = np.argsort(np.argsort(random.normal(size=(60, 8)) + 1.2 * np.eye(8)[labels], axis=1), axis=1)
    right = metrics.top_k_accuracy_score(labels, ranks, k=5, normalize=False, labels=range(8))
    return {"labels": labels.tolist(), "ranks": ranks.tolist(), "top_5": wilson(int(right), 60)}


def main():
    random = np.random.default_rng(20240229)
    cases = [
        case("balanced", *draw(random, 40, [0.5, 0.5], 1.0), positive=1),
        case("rare positives, first by name", *draw(random, 60, [0.15, 0.85], 2.0), positive=0),
        case("three classes", *draw(random, 50, [0.5, 0.3, 0.2], 1.5), positive=2),
        case("five classes", *draw(random, 60, [0.2] * 5, 1.0), positive=4),
    ]
    lines = ",\n".join(json.dumps(c) for c in cases)
    extra = f'"platt": {json.dumps(platt(random))},\n"pair": {json.dumps(pair(random))},\n"patients": {json.dumps(patients(random))},\n"many_classes": {json.dumps(many_classes(random))}'
    GOLDEN.write_text(f'{{"threshold": {THRESHOLD}, "cases": [\n{lines}\n],\n{extra}\n}}\n')


if __name__ == "__main__":
    main()
