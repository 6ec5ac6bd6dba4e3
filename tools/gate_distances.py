"""Compares distances that a gate could refuse by, on pooled features at the end of a net.

    pip install numpy scikit-learn
    python tools/gate_distances.py HEADSTART WORK [--weights MODEL]

WORK/fit, WORK/validation and WORK/hold are folders that `gate_copies.py` wrote, of different patients; any other folder in
WORK/asked (photographs, files in another shape) is asked about, too. MODEL, a sealed model, gives its trained features;
without it they are the pretrained ones. The limit of each distance lets 99 % of the validation images pass.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression


def features(headstart, folder, weights):
    with tempfile.TemporaryDirectory() as cache:
        out = Path(cache, "features.npy")
        command = [headstart, "features", folder, "--backbone", "efficientnet-lite0", "--unfreeze", "none"]
        command += ["--out", out, "--cache", cache] + (["--weights", weights] if weights else [])
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        maps = np.load(out, mmap_mode="r")
        return np.concatenate([maps[at : at + 200].mean((2, 3)) for at in range(0, len(maps), 200)]).astype(float)


def scaled(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def residual(rows, axes=64, prepare=scaled):
    rows = prepare(rows)
    centre = rows.mean(0)
    _, vectors = np.linalg.eigh(np.cov(rows.T))
    space = vectors[:, ::-1][:, :axes]

    def distance(asked):
        off = prepare(asked) - centre
        return np.sqrt(np.maximum((off**2).sum(1) - ((off @ space) ** 2).sum(1), 0))

    return distance


def mahalanobis(rows, labels):
    means = [rows[labels == label].mean(0) for label in np.unique(labels)]
    off = np.concatenate([rows[labels == label] - mean for label, mean in zip(np.unique(labels), means)])
    scale = np.maximum(off.std(0), 1e-2 * off.std(0).mean())
    precision = LedoitWolf(assume_centered=True).fit(off / scale).precision_

    def distance(asked):
        each = [(asked - mean) / scale for mean in means]
        return np.sqrt(np.min([(x @ precision * x).sum(1) for x in each], 0))

    return distance


def neighbours(rows, count=10):
    rows = scaled(rows)
    return lambda asked: np.sort(np.sqrt(np.maximum(2 - 2 * scaled(asked) @ rows.T, 0)), 1)[:, count - 1]


def energy(rows, labels):
    logits = LogisticRegression(C=0.01, max_iter=300).fit(rows / 10, labels).decision_function
    return lambda asked: -np.logaddexp(logits(asked / 10) / 2, -logits(asked / 10) / 2)


def probe(plain, copies, unseen):
    mean, deviation = plain.mean(0), plain.std(0) + 1e-3
    rows = (np.concatenate([plain, copies]) - mean) / deviation
    truth = np.r_[np.zeros(len(plain)), np.ones(len(copies))]
    logits = LogisticRegression(C=1e-3, max_iter=150).fit(rows, truth).decision_function
    says = lambda asked: logits((asked - mean) / deviation)
    highest = np.quantile(says(unseen), 0.995)
    boundary = max(highest, (highest + np.quantile(says(copies), 0.02)) / 2)
    return lambda asked: 1 + says(asked) - boundary


def joint(first, limit, probes):
    return lambda asked: np.max([first(asked) / limit] + [says(asked) for says in probes], 0)


def labels(folder):
    return np.array([file.parent.name for file in sorted(folder.glob("*/*"))])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("headstart")
    parser.add_argument("work", type=Path)
    parser.add_argument("--weights")
    given = parser.parse_args()
    get = lambda *parts: features(given.headstart, given.work.joinpath(*parts), given.weights)
    asked = {kind.name: get("hold", kind.name) for kind in sorted((given.work / "hold").iterdir())}
    others = given.work / "asked"
    asked |= {kind.name: get("asked", kind.name) for kind in (sorted(others.iterdir()) if others.exists() else [])}
    seen = {kind: get("fit", kind) for kind in ("plain", "style", "inverted", "upside-down")}
    known = {kind: get("validation", kind) for kind in ("plain", "style")}
    print("| fitted to | distance | " + " | ".join(asked) + " |\n|---|---|" + "---|" * len(asked))
    for name, kinds in {"plain": ["plain"], "plain and style": ["plain", "style"]}.items():
        rows = np.concatenate([seen[kind] for kind in kinds])
        truth = np.concatenate([labels(given.work / "fit" / kind) for kind in kinds])
        validation = np.concatenate([known[kind] for kind in kinds])
        limit = lambda distance: np.quantile(distance(validation), 0.99, method="higher")
        distances = {
            "energy": energy(rows, truth),
            "10th neighbour": neighbours(rows),
            "Mahalanobis": mahalanobis(rows, truth),
            "residual": residual(rows, prepare=lambda rows: rows),
            "residual, scaled": residual(rows),
        }
        first = distances["residual, scaled"]
        base = rows[:: max(len(rows) // len(seen["inverted"]), 1)]
        probes = [probe(base, seen[kind], validation) for kind in ("inverted", "upside-down")]
        distances["residual, scaled, and probes"] = joint(first, limit(first), probes)
        for kind, distance in distances.items():
            most = limit(distance)
            shares = [f"{100 * (distance(rows) > most).mean():.1f}" for rows in asked.values()]
            print(f"| {name} | {kind} | " + " | ".join(shares) + " |", flush=True)


if __name__ == "__main__":
    main()
