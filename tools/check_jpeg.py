"""Measures what headstart's JPEG decoder differs by from libjpeg-turbo's (Pillow's), in pixels and in a model's scores.

    pip install numpy pillow
    python tools/check_jpeg.py --headstart target/release/headstart --model MODEL FOLDER

FOLDER holds JPEGs. The program reads them as they are, and as PNGs that Pillow made of them; what it decoded is read from
the pictures that `predict --explain` writes, whose left part is the image. Prints two lines.
"""

import argparse
import csv
import io
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image


def predicted(headstart, model, files, *more):
    command = [headstart, "predict", model, *map(str, files), "--format", "csv", *map(str, more)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {Path(row["path"]).stem: row for row in csv.DictReader(io.StringIO(text))}


def pixels(files, shown):
    counts, images = np.zeros(256, int), 0
    for file in files:
        theirs = np.asarray(Image.open(file).convert("RGB")).astype(int)
        ours = np.asarray(Image.open(shown / f"{file.stem}.png").convert("RGB")).astype(int)
        # Wide images are shown smaller.
        if ours.shape[0] == theirs.shape[0] and ours.shape[1] >= 2 * theirs.shape[1]:
            counts += np.bincount(np.abs(ours[:, : theirs.shape[1]] - theirs).ravel(), minlength=256)
            images += 1
    shares = {int(level): f"{100 * counts[level] / counts.sum():.3f} %" for level in np.nonzero(counts)[0]}
    print(f"{images} images, share of the values by how many grey levels they are off: {shares}")


def scores(ours, theirs):
    names = [name for name in next(iter(ours.values())) if name.startswith("score_")]
    off = np.abs([[float(ours[key][name]) - float(theirs[key][name]) for name in names] for key in ours])
    moved = sum(ours[key]["predicted"] != theirs[key]["predicted"] for key in ours)
    print(f"{len(ours)} images, scores off by {off.mean():.5f} on average, {off.max():.5f} at most; {moved} change their class")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--headstart", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    files = sorted(file for file in arguments.folder.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg"))
    with tempfile.TemporaryDirectory() as work:
        shown, decoded = Path(work) / "shown", Path(work) / "decoded"
        decoded.mkdir()
        for file in files:
            Image.open(file).convert("RGB").save(decoded / f"{file.stem}.png")
        ours = predicted(arguments.headstart, arguments.model, files, "--explain", shown)
        theirs = predicted(arguments.headstart, arguments.model, sorted(decoded.glob("*.png")))
        pixels(files, shown)
        scores(ours, theirs)


if __name__ == "__main__":
    main()
