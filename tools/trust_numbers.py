"""Makes the tables of docs/trust.md and docs/results.md that are about the default recipe, by running the commands.

    pip install pillow
    python tools/trust_numbers.py --headstart target/release/headstart --data ../data [--work FOLDER] [--seeds 1 2 3]

DATA holds `chest-xray-224` (Kermany et al., with its official test split), `chest-xray-native` (files of the same
collection in their own shapes) and `hymenoptera` (ants and bees). A training takes minutes. Runs that are in FOLDER already
are not made again. The tables stand between comments that name this script. Nothing is chosen by what comes out.
"""

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent.parent / "docs"
MEASURES = ("auc", "accuracy", "sensitivity", "specificity")


class Program:
    """The program, with a cache of its own."""

    def __init__(self, path, work):
        self.path, self.work = Path(path).resolve(), work

    def __call__(self, *arguments):
        command = [str(self.path), *map(str, arguments)]
        print(" ".join(command[:6]), file=sys.stderr)
        environment = {"HEADSTART_CACHE": str(self.work / "cache"), "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def train(self, data, name, *more):
        run = self.work / name
        if not (run / "report.html").is_file():
            self("train", data, "--quiet", "--out", run, *more)
        return run


def percent(estimate):
    return f"{100 * estimate['value']:.1f} % ({100 * estimate['low']:.1f} to {100 * estimate['high']:.1f})"


def mean(runs, split, measure):
    return sum(told[split][measure]["value"] for told in runs) / len(runs)


def figures(metrics, measures=MEASURES):
    return ", ".join(f"{metrics[measure]['value']:.3f}" for measure in measures)


def held_out(runs):
    """A row a seed, and their mean."""
    yield "| command | validation as it is: AUC | restyled: AUC, sensitivity, specificity | official test, 624 images: AUC, accuracy, sensitivity, specificity |"
    yield "|---|---|---|---|"
    without_accuracy = tuple(measure for measure in MEASURES if measure != "accuracy")
    for seed, told in runs.items():
        yield (f"| `headstart train chest-xray --seed {seed}` | {told['validation']['auc']['value']:.3f} | "
               f"{figures(told['stressed'], without_accuracy)} | {figures(told['test'])} |")
    every = list(runs.values())
    means = {split: {measure: {"value": mean(every, split, measure)} for measure in MEASURES}
             for split in ("validation", "stressed", "test")}
    yield (f"| mean of these | {means['validation']['auc']['value']:.3f} | {figures(means['stressed'], without_accuracy)} | "
           f"{figures(means['test'])} |")


def coverage(runs):
    """What the prediction sets and the gate do to images of the collection."""
    yield "| seed | images | true class in the set | decided | refused |"
    yield "|---|---|---|---|---|"
    names = {"validation": "validation as it is", "stressed": "validation restyled", "test": "official test"}
    for seed, told in runs.items():
        for split, name in names.items():
            sets = told[split]["sets"]
            cells = [percent(sets["coverage"]), percent(sets["decided"]), percent(told[split]["refused"])]
            yield f"| {seed} | {name} ({told[split]['images']}) | {' | '.join(cells)} |"


def stress(seed, told):
    """The stress test after one training."""
    yield f"| change of {told['stress'][0]['images']} validation images, seed {seed} | AUC | sensitivity | specificity | refused |"
    yield "|---|---|---|---|---|"
    for row in told["stress"]:
        cells = [f"{row['auc']['value']:.3f}"] + [percent(row[measure]) for measure in ("sensitivity", "specificity", "refused")]
        yield f"| {row['change']} | {' | '.join(cells)} |"


def gate(program, model, data):
    """Which images of other kinds one model refuses and calls unusual."""
    chest = data / "chest-xray-224"
    test = sorted((chest / "test").glob("*/*"))
    kinds = {
        "official test": test,
        "official test, 28 pixels": altered(test, program.work / "small", lambda image: image.resize((28, 28), Image.BICUBIC)),
        "official test, inverted": altered(test, program.work / "inverted", lambda image: image.point(lambda level: 255 - level)),
        "official test, upside down": altered(test, program.work / "upside-down", lambda image: image.transpose(Image.FLIP_TOP_BOTTOM)),
        "files of the collection in their own shapes": sorted((data / "chest-xray-native").glob("*/*/*.jpeg")),
        "photographs of ants and bees": sorted((data / "hymenoptera").rglob("*.jpg")),
    }
    yield "| images | number | refused | answered, but called unusual |"
    yield "|---|---|---|---|"
    for kind, files in kinds.items():
        rows = list(csv.DictReader(io.StringIO(program("predict", model, *files, "--format", "csv"))))
        refused = sum(row["refused"] == "true" for row in rows)
        unusual = sum(row["refused"] == "false" and row["unusual"] == "true" for row in rows)
        yield f"| {kind} | {len(rows)} | {100 * refused / len(rows):.1f} % | {100 * unusual / len(rows):.1f} % |"


def altered(files, folder, alter):
    """Copies of grey images, as PNG."""
    copies = [folder / file.parent.name / f"{file.stem}.png" for file in files]
    for file, copy in zip(files, copies):
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            alter(Image.open(file).convert("L")).save(copy)
    return copies


def put(document, name, lines):
    """Writes a table between its two comments."""
    path = DOCS / document
    begin, end = (f"<!-- tools/trust_numbers.py: {name} {which} -->" for which in ("begins", "ends"))
    before, begins, rest = path.read_text().partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        sys.exit(f"{path}: the comments around {name} are missing")
    path.write_text(before + "\n".join([begin, *lines, end]) + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--headstart", required=True)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "trust-numbers")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    program, data = Program(arguments.headstart, arguments.work), arguments.data.resolve()
    folders = {seed: program.train(data / "chest-xray-224", f"default-{seed}", "--seed", seed) for seed in arguments.seeds}
    runs = {seed: json.loads((folder / "metrics.json").read_text()) for seed, folder in folders.items()}
    last = arguments.seeds[-1]
    put("results.md", "held-out images", held_out(runs))
    put("trust.md", "prediction sets", coverage(runs))
    put("trust.md", "stress test", stress(last, runs[last]))
    put("trust.md", "gate", gate(program, folders[last] / "model.safetensors", data))


if __name__ == "__main__":
    main()
