"""Measures the peak memory of `score` and of `features --shard` for 10³ to 10⁶ rows, which must not grow with them.

    pip install pyarrow
    python tools/check_memory.py target/release/headstart MODEL FOLDER_OF_IMAGES [MOST_ROWS]

The list is a Parquet file of which one row in a hundred names an image of the folder and the others an empty file, so that
10⁶ rows take minutes. It fails where a run of many rows takes more than a tenth more memory than one of 10⁴.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet

FIRST = 1000
COMPARED = 10_000
IMAGES = 20


def listed(folder, images, rows):
    """A list of so many rows."""
    empty = folder / "none.png"
    empty.touch()
    paths = [str(images[row // 100 % len(images)]) if row % 100 == 0 else str(empty) for row in range(rows)]
    file = folder / f"{rows}.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"path": paths}), file, row_group_size=100_000)
    return file


def peak(command):
    """Megabytes of the program at most, without the processes that decode for it, and seconds."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            break
        most = max([most, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))])
        time.sleep(0.02)
    if process.wait() != 0:
        sys.exit(f"{command}: exit code {process.returncode}")
    return most / 1024, time.monotonic() - start


def main(program, model, images, most):
    images = sorted(file.resolve() for file in Path(images).rglob("*") if file.is_file())[:IMAGES]
    commands = {
        "score": ["score", "--model", model],
        "features": ["features", "--pool"],
        "maps": ["features", "--unfreeze", "last-block"],
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, words in commands.items():
            peaks = {}
            rows = FIRST
            while rows <= most:
                out = folder / f"{name}-{rows}"
                list_of_all = str(listed(folder, images, rows))
                peaks[rows], seconds = peak([program, words[0], list_of_all, *words[1:], "--shard", "0/1", "--out", str(out)])
                size = sum(file.stat().st_size for file in out.iterdir()) / 1e6
                print(f"{name}: {rows} rows, {peaks[rows]:.0f} MB at most, {seconds:.0f} s, a part of {size:.1f} MB", flush=True)
                rows *= 10
            grown = [rows for rows in peaks if rows > COMPARED and peaks[rows] > 1.1 * peaks[COMPARED]]
            if grown:
                sys.exit(f"{name}: memory has grown at {grown} rows")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: check_memory.py PROGRAM MODEL IMAGES [MOST_ROWS]")
    main(*sys.argv[1:4], int(sys.argv[4]) if len(sys.argv) == 5 else 1_000_000)
