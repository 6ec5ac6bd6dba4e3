"""Golden suspects for crates/headstart/src/audit/labels/confident.rs, from cleanlab's confident learning.

Scores are multiples of 1/1024, so that they are exact in f32.

    pip install numpy cleanlab==2.9.0
    python tools/golden_label_errors.py
"""

import json
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues

GOLDEN = Path(__file__).parent.parent / "crates/headstart/tests/golden/label_errors.json"
STEPS = 1024
IMAGES = 80


def draw(random, classes):
    """Labels of which some are wrong, and scores [IMAGES, classes] in steps that sum to 1."""
    truth = random.integers(0, classes, IMAGES)
    logits = random.normal(size=(IMAGES, classes)) + 3 * np.eye(classes)[truth]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    steps = np.floor(scores * STEPS).astype(int)
    steps[:, 0] += STEPS - steps.sum(axis=1)
    wrong = random.random(IMAGES) < 0.2
    labels = np.where(wrong, random.integers(0, classes, IMAGES), truth)
    return labels, steps


def main():
    random, cases = np.random.default_rng(11), []
    for classes in (2, 3, 5):
        labels, steps = draw(random, classes)
        suspects = find_label_issues(
            labels,
            steps / STEPS,
            filter_by="confident_learning",
            return_indices_ranked_by="normalized_margin",
        )
        cases.append({"labels": labels.tolist(), "steps": steps.tolist(), "suspects": suspects.tolist()})
        print(f"{classes} classes: {len(suspects)} suspects")
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    GOLDEN.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
