"""Recomputes a run's metrics.json from its predictions.csv with scikit-learn, and fails where they differ.

    pip install numpy scikit-learn
    python tools/recompute_metrics.py RUN
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

# Both sides sum in their own order, and metrics.json counts in f64 what predictions.csv has as f32.
TOLERANCE = 1e-6


def wilson(hits, total, z=1.959963984540054):
    share, scale = hits / total, 1 + z * z / total
    centre = (share + z * z / 2 / total) / scale
    half = z / scale * np.sqrt(share * (1 - share) / total + z * z / 4 / total**2)
    return centre - half, centre + half


def recompute(rows, classes, threshold):
    labels = np.array([classes.index(row["label"]) for row in rows])
    predicted = np.array([classes.index(row["predicted"]) for row in rows])
    scores = np.array([[np.float32(row[f"score_{c}"]) for c in classes] for row in rows]).astype(float)
    scores = scores / scores.sum(axis=1, keepdims=True)
    found = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "mcc": metrics.matthews_corrcoef(labels, predicted),
        "log_loss": metrics.log_loss(labels, np.clip(scores, 1e-15, 1), labels=range(len(classes))),
    }
    if len(classes) != 2:
        found["auc"] = metrics.roc_auc_score(labels, scores, multi_class="ovr", average="macro")
        found["f1"] = metrics.f1_score(labels, predicted, average="macro")
        return found, labels, predicted
    # The positive class is the one that is predicted from the threshold on.
    of_last = (scores[:, 1] >= threshold).astype(int)
    positive = 1 if (of_last == predicted).mean() > 0.99 else 0
    truth, called, score = labels == positive, predicted == positive, scores[:, positive]
    share, mean = calibration_curve(truth, score, n_bins=10)
    images = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], score), minlength=10)
    found |= {
        "auc": metrics.roc_auc_score(truth, score),
        "average_precision": metrics.average_precision_score(truth, score),
        "sensitivity": metrics.recall_score(truth, called),
        "specificity": metrics.recall_score(~truth, ~called),
        "ppv": metrics.precision_score(truth, called),
        "npv": metrics.precision_score(~truth, ~called),
        "f1": metrics.f1_score(truth, called),
        "brier": metrics.brier_score_loss(truth, score),
        "ece_plain": float(np.abs(share - mean) @ images[images > 0] / len(score)),
    }
    return found, labels, predicted


def main():
    run = Path(sys.argv[1])
    with (run / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    classes = [name.removeprefix("score_") for name in rows[0] if name.startswith("score_")]
    told = json.loads((run / "metrics.json").read_text())
    wrong = 0
    for split in [name for name in ("validation", "test") if name in told]:
        own = [row for row in rows if row["split"] == split]
        found, labels, predicted = recompute(own, classes, told[split]["threshold"])
        confusion = metrics.confusion_matrix(labels, predicted, labels=range(len(classes))).tolist()
        checks = {name: (value, told[split][name]) for name, value in found.items()}
        checks |= {f"confusion {i}": pair for i, pair in enumerate(zip(np.ravel(confusion), np.ravel(told[split]["confusion"])))}
        low, high = wilson((labels == predicted).sum(), len(labels))
        checks |= {"accuracy low": (low, told[split]["accuracy"]["low"]), "accuracy high": (high, told[split]["accuracy"]["high"])}
        for name, (mine, theirs) in checks.items():
            theirs = theirs["value"] if isinstance(theirs, dict) else theirs
            fits = theirs is not None and abs(mine - theirs) <= TOLERANCE
            wrong += not fits
            if not fits or not name.startswith("confusion"):
                print(f"{split:<11}{name:<20}{mine:.6f}  {'agrees' if fits else f'metrics.json says {theirs}'}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
