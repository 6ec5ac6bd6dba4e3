"""Golden metrics for crates/headstart/tests/metrics.rs, from code that headstart shares nothing with.

scikit-learn counts, statsmodels gives Wilson's interval, confidenceinterval gives DeLong's, cut to 0 to 1 here.
Scores are multiples of 1/64, so that they are exact in f32 and ties happen.

    pip install numpy scikit-learn statsmodels confidenceinterval
    python tools/golden_metrics.py
"""

import json
import warnings
from pathlib import Path

import numpy as np
from confidenceinterval import roc_auc_score as auc_with_delong
from sklearn import metrics
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
        "log_loss": metrics.log_loss(labels, scores, labels=range(classes)),
        "brier": brier,
    }


def main():
    random = np.random.default_rng(20240229)
    cases = [
        case("balanced", *draw(random, 40, [0.5, 0.5], 1.0), positive=1),
        case("rare positives, first by name", *draw(random, 60, [0.15, 0.85], 2.0), positive=0),
        case("three classes", *draw(random, 50, [0.5, 0.3, 0.2], 1.5), positive=2),
        case("five classes", *draw(random, 60, [0.2] * 5, 1.0), positive=4),
    ]
    lines = ",\n".join(json.dumps(c) for c in cases)
    GOLDEN.write_text(f'{{"threshold": {THRESHOLD}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
