"""Holds an exported ONNX file to the sealed model that it was made of.

    python tools/check_onnx.py MODEL.safetensors FILE.onnx IMAGE... [--headstart PROGRAM] [--tolerance SHARE]
    python tools/check_onnx.py BACKBONE FILE.onnx

Each image is drawn again as a PNG: of the net's size, resized by Pillow, or as it is when the file resizes images itself.
`headstart predict --format csv` and ONNX Runtime answer the same PNGs. The script fails when ONNX's checker has something to
say, when the golden picture's answer is another one, when a score differs by more than the tolerance (1e-4, and for distances
that share of them), or when a class, a refusal, a plausible class or a verdict differs. Only a decision whose score or distance lies
within the tolerance of its limit may differ; how many did is printed.

    python tools/check_onnx.py MODEL.safetensors FILE.int8.onnx --scores SCORES.csv --data FOLDER [--tolerance 0.01]

Of a model in 8 bits the scores of `export --quantize int8 --scores SCORES.csv` are compared, which headstart computed in the
same 8 bits, with those of ONNX Runtime for the same images in FOLDER; in the mean, because single ones differ by more.

Of a pretrained net alone only the golden picture's features are compared, pooled: by the share of their length that the
difference has.
"""

import argparse
import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from PIL import Image

# As in `crates/headstart/src/export/onnx/metadata.rs`.
PICTURE = "(x * x + 2 * y * y + 50 * c) // 16 % 256"
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
# `predict` prints distances with four decimals.
PRINTED = 5e-5
BATCH = 8


class Exported:
    """The ONNX file in ONNX Runtime."""

    def __init__(self, path):
        onnx.checker.check_model(path, full_check=True)
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.about = json.loads(self.session.get_modelmeta().custom_metadata_map["headstart"])
        given = self.session.get_inputs()[0]
        assert given.name == self.about["input"]["name"], f"the input is called {given.name}"
        self.kind = np.float32 if given.type == "tensor(float)" else np.uint8
        self.names = [output.name for output in self.session.get_outputs()]

    def answers(self, pixels):
        """Each output by its name, a row an image; `pixels` may differ in size."""
        stacked = len({picture.shape for picture in pixels}) == 1
        step = BATCH if stacked else 1
        batches = [self.fed(np.stack(pixels[at : at + step])) for at in range(0, len(pixels), step)]
        rows = [self.session.run(None, {self.about["input"]["name"]: batch}) for batch in batches]
        return {name: np.concatenate([row[at] for row in rows]) for at, name in enumerate(self.names)}


    def fed(self, pixels):
        """Pixels `[N, height, width, 3]` as the graph takes them."""
        normalise = self.about["input"].get("normalise")
        if normalise is None:
            return pixels.astype(self.kind)
        ordered = pixels[..., ::-1] if normalise["channels"] == "BGR" else pixels
        mean, deviation = (np.array(normalise[part], np.float32) for part in ("mean", "deviation"))
        return np.ascontiguousarray(((ordered - mean) / deviation).astype(np.float32).transpose(0, 3, 1, 2))


class Comparison:
    """What differs between two answers, and by how much at most."""

    def __init__(self, tolerance):
        self.tolerance, self.largest, self.flaws, self.near = tolerance, {}, [], 0

    def number(self, what, expected, found, printed=0.0):
        difference = abs(expected - found) if np.isfinite(expected) else float(expected != found)
        name = what.split(" ")[0]
        self.largest[name] = max(self.largest.get(name, 0.0), difference)
        # A score's range is 1, a distance's is itself.
        if difference > self.tolerance * max(1.0, abs(expected)) + printed:
            self.flaws.append(f"{what}: {expected} there, {found} here")

    def decision(self, what, expected, found, margin):
        """`margin` is how far what decides lies from its limit."""
        if expected != found:
            if margin <= self.tolerance:
                self.near += 1
            else:
                self.flaws.append(f"{what}: {expected} there, {found} here")


def golden(size):
    y, x, c = np.meshgrid(np.arange(size), np.arange(size), np.arange(3), indexing="ij")
    return ((x * x + 2 * y * y + 50 * c) // 16 % 256).astype(np.uint8)


def check_golden(exported, comparison):
    about = exported.about
    expected = about["golden"]
    assert expected["pixels[y, x, c]"] == PICTURE, "the golden picture is drawn in another way"
    found = {name: rows[0] for name, rows in exported.answers([golden(about["input"]["size"])]).items()}
    for name in ("logits", "scores"):
        for at, value in enumerate(expected[name]):
            comparison.number(f"{name} {at} of the golden picture", value, found[name][at])
    for name in ("distance", "oddness"):
        if expected[name] is not None:
            comparison.number(f"{name} of the golden picture", expected[name], found[name])
    if "decided" in found:
        decided = expected["verdict"] == "decided"
        comparison.decision("decided of the golden picture", decided, bool(found["decided"]), margin(about, found))


def check_features(exported, comparison):
    expected = np.array(exported.about["golden"]["pooled"])
    found = exported.answers([golden(exported.about["input"]["size"])])
    assert np.allclose(found["features"].mean((2, 3)), found["pooled"], rtol=1e-3, atol=1e-4), "pooled are no means"
    off = np.linalg.norm(found["pooled"][0] - expected) / np.linalg.norm(expected)
    comparison.number("features of the golden picture", 0.0, float(off))


def margin(about, row):
    """How near the nearest limit is, of all that decide."""
    margins = [1.0]
    if about["threshold"] is not None:
        positive = about["classes"].index(about["positive"])
        margins.append(abs(row["scores"][positive] - about["threshold"]))
    if about["plausible_from"] is not None:
        margins += list(np.abs(row["scores"] - np.array(about["plausible_from"])))
    if "distance" in row:
        margins.append(abs(row["distance"] - about["gate"]) / max(1.0, about["gate"]))
    return min(margins)


def drawn(paths, about, folder):
    """Each image as a PNG in `folder`, and its pixels."""
    size, pixels = about["input"]["size"], []
    if not about["input"]["resize_in_graph"] and about["input"]["resize"] != "squash":
        sys.exit("this script can only squash images to the net's square")
    for number, path in enumerate(paths):
        picture = Image.open(path).convert("RGB")
        if not about["input"]["resize_in_graph"]:
            picture = picture.resize((size, size), FILTERS[about["input"]["filter"]])
        picture.save(folder / f"{number:06}.png")
        pixels.append(np.asarray(picture))
    return pixels


def predicted(program, model, folder):
    command = [program, "predict", model, str(folder), "--format", "csv"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{program} predict failed: {done.stderr}")
    return sorted(csv.DictReader(done.stdout.splitlines()), key=lambda row: row["path"])


def compare(row, found, about, comparison, path):
    classes = about["classes"]
    for at, name in enumerate(classes):
        comparison.number(f"scores {name} of {path}", float(row[f"score_{name}"]), float(found["scores"][at]))
    near = margin(about, found)
    if "distance" in found:
        comparison.number(f"distance of {path}", float(row["distance"]), float(found["distance"]), PRINTED)
    if "refused" in found:
        comparison.decision(f"refused of {path}", row["refused"], str(bool(found["refused"])).lower(), near)
    if "unusual" in found:
        # Its distance is not printed: only its own margin could excuse it, and there is none.
        comparison.decision(f"unusual of {path}", row["unusual"], str(bool(found["unusual"])).lower(), 1.0)
    if "plausible" in found:
        plausible = "|".join(name for at, name in enumerate(classes) if found["plausible"][at])
        comparison.decision(f"plausible of {path}", row["plausible"], plausible, near)
    decided = "decided" not in found or bool(found["decided"])
    answer = classes[int(found["predicted"])] if decided else ""
    comparison.decision(f"predicted of {path}", row["predicted"], answer, near)


def check_scores(given, exported, comparison):
    """The validation images, read and resized by Pillow: the mean difference counts. A value that lies between two bytes may
    become either, and what that comes to in a single score is as large as what 8 bits lose."""
    rows = list(csv.DictReader(Path(given.scores).read_text().splitlines()))
    size, classes = exported.about["input"]["size"], exported.about["classes"]
    filter = FILTERS[exported.about["input"]["filter"]]
    differences, right = [], 0
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        pictures = [Image.open(Path(given.data) / row["path"]).convert("RGB") for row in part]
        found = exported.answers([np.asarray(picture.resize((size, size), filter)) for picture in pictures])
        for row, scores, predicted in zip(part, found["scores"], found["predicted"]):
            expected = [float(row[f"int8_{name}"]) for name in classes]
            differences.append(np.abs(scores - expected).max())
            right += classes[int(predicted)] == row["label"]
    comparison.number("int8 mean over the images", 0.0, float(np.mean(differences)))
    most, accuracy = np.max(differences), right / len(rows)
    print(f"{len(rows)} validation images, scores differ by {most:.1e} at most; accuracy {accuracy:.4f} in ONNX Runtime")


def check_images(given, exported, comparison):
    with tempfile.TemporaryDirectory() as name:
        pixels = drawn(given.images, exported.about, Path(name))
        rows = predicted(given.headstart, given.model, Path(name))
    if len(rows) != len(pixels):
        sys.exit(f"{len(rows)} answers to {len(pixels)} images")
    found = exported.answers(pixels)
    for number, (path, row) in enumerate(zip(given.images, rows)):
        compare(row, {name: values[number] for name, values in found.items()}, exported.about, comparison, path)
    answered = np.count_nonzero(found["decided"]) if "decided" in found else len(pixels)
    refused = np.count_nonzero(found["refused"]) if "refused" in found else 0
    print(f"{len(pixels)} images, {answered} answered, {refused} refused")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("file")
    parser.add_argument("images", nargs="*", help="none: only the golden picture is asked about")
    parser.add_argument("--headstart", default="headstart")
    parser.add_argument("--scores", help="of a model in 8 bits: what `export --scores` wrote")
    parser.add_argument("--data", help="the folder of the images that are named there")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    given = parser.parse_args()
    exported = Exported(given.file)
    comparison = Comparison(given.tolerance)
    if "classes" not in exported.about:
        name = exported.about["backbone"]["name"]
        if given.model != name or given.images:
            sys.exit(f"{given.file} is {name}, pretrained: expected its name and no images")
        check_features(exported, comparison)
        report(comparison)
    digest = hashlib.sha256(Path(given.model).read_bytes()).hexdigest()
    if exported.about["model_sha256"] != digest:
        sys.exit(f"{given.file} was made of another model than {given.model}")
    if given.scores:
        check_scores(given, exported, comparison)
    else:
        check_golden(exported, comparison)
    if given.images:
        if "quantised" in exported.about:
            sys.exit(f"{given.file} is a model in 8 bits: expected --scores and no images")
        check_images(given, exported, comparison)
    report(comparison)


def report(comparison):
    differences = ", ".join(f"{name} {value:.1e}" for name, value in comparison.largest.items())
    print(f"largest differences: {differences}")
    print(f"{comparison.near} decisions differ within the tolerance of their limit")
    for flaw in comparison.flaws:
        print(f"differs: {flaw}")
    sys.exit(1 if comparison.flaws else 0)


main()
