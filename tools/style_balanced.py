"""How well runs rank validation images where style tells nothing: an AUC that weighs images against their style.

Global statistics of a picture, as `headstart inspect` takes them, tell the class of many images without what they
show. A logistic regression of them is fitted to the training images; each validation image then counts by the
inverse of the score that style gives its class, 20 times at most. A net that relies on style does badly on the images
that count most.

    pip install numpy pillow
    python tools/style_balanced.py DATA RUN...

DATA is the folder that the runs were trained on, with `train/CLASS/` in it.
"""

import csv
import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import golden_style as style

MOST = 20.0
PENALTY = 1e-2


def statistics(data):
    found = {}
    for file in sorted(data.glob("train/*/*")):
        content = file.read_bytes()
        image = Image.open(io.BytesIO(content))
        tables = getattr(image, "quantization", None)
        each = style.statistics(image, len(content), style.quality(tables) if tables else None)
        row = [value for family in style.FAMILIES for value in each[family]]
        found[file.relative_to(data).as_posix()] = [np.nan if value is None else value for value in row]
    return found


def auc(truth, scores, weights):
    order = np.argsort(scores, kind="stable")
    truth, weights = truth[order], weights[order]
    positive, negative = weights * truth, weights * (1 - truth)
    below = np.cumsum(negative) - negative / 2
    return (positive * below).sum() / (positive.sum() * negative.sum())


def report(run, found):
    rows = list(csv.DictReader((run / "predictions.csv").open()))
    held_out = {row["path"] for row in rows if row["split"] == "validation"}
    classes = sorted({row["label"] for row in rows})
    names = list(found)
    columns = style.columns([found[name] for name in names])
    truth = np.array([float(name.split("/")[1] == classes[-1]) for name in names])
    training = np.array([name not in held_out for name in names])
    weights = style.fit(columns[training], truth[training], PENALTY)
    chance = 1 / (1 + np.exp(-np.hstack([columns, np.ones((len(columns), 1))]) @ weights))
    told = dict(zip(names, chance))
    for split in ("validation", "stressed"):
        own = [row for row in rows if row["split"] == split]
        truth_here = np.array([float(row["label"] == classes[-1]) for row in own])
        scores = np.array([float(row[f"score_{classes[-1]}"]) for row in own])
        by_style = np.array([told[row["path"]] for row in own])
        of_class = np.where(truth_here == 1, by_style, 1 - by_style)
        plain, balanced = (auc(truth_here, scores, w) for w in (np.ones_like(scores), 1 / np.clip(of_class, 1 / MOST, 1)))
        print(f"{run}  {split}: AUC {plain:.4f}, weighed against style {balanced:.4f}")


if __name__ == "__main__":
    data, *runs = map(Path, sys.argv[1:])
    found = statistics(data)
    for run in runs:
        report(run, found)
