"""What a model's gate does with folders of images: shares that are refused and called unusual.

    python tools/gate_refusals.py HEADSTART MODEL FOLDER...

Each FOLDER is searched for files at any depth, and becomes a row. `gate_copies.py` makes folders to ask about.
"""

import csv
import subprocess
import sys
from pathlib import Path

BATCH = 200


def rows(headstart, model, files):
    for start in range(0, len(files), BATCH):
        command = [headstart, "predict", model, "--format", "csv", *map(str, files[start : start + BATCH])]
        # Files that cannot be read are named on stderr.
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        yield from csv.DictReader(text.splitlines())


def main():
    headstart, model, *folders = sys.argv[1:]
    print("| images | number | refused | unusual |\n|---|---|---|---|")
    for folder in map(Path, folders):
        answers = list(rows(headstart, model, sorted(file for file in folder.rglob("*") if file.is_file())))
        share = lambda column: 100 * sum(answer[column] == "true" for answer in answers) / max(len(answers), 1)
        print(f"| {folder.name} | {len(answers)} | {share('refused'):.1f} % | {share('unusual'):.1f} % |", flush=True)


if __name__ == "__main__":
    main()
