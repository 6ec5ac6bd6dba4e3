"""Kills an actor of deploy/ray/score.py with -9 while it works, and checks that every row is there once, with its scores.

    pip install 'ray[data]' pyarrow, and the package headstart
    python tools/check_ray.py MODEL.safetensors FOLDER_OF_IMAGES
"""

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

# Each actor computes on one thread.
os.environ.setdefault("RAYON_NUM_THREADS", "1")

import headstart
import pyarrow
import pyarrow.parquet
import ray

sys.path.insert(0, str(Path(__file__).parent.parent / "deploy" / "ray"))
import score as launcher


def kill_one(marks, killed):
    """Kills the first actor that has answered a batch."""
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline and not killed:
        for mark in sorted(marks.iterdir()):
            os.kill(int(mark.name), signal.SIGKILL)
            killed.append(int(mark.name))
            return
        time.sleep(0.05)


def main(model, images):
    place = Path(tempfile.mkdtemp())
    marks = place / "marks"
    marks.mkdir()
    files = sorted(str(file) for file in Path(images).rglob("*") if file.suffix.lower() in (".jpg", ".jpeg", ".png"))[:60]
    pyarrow.parquet.write_table(pyarrow.table({"path": files}), place / "all.parquet", row_group_size=6)

    class Marked(headstart.Scorer):
        """Says which process it is once it has answered, and works slowly enough to be killed in time."""

        def __call__(self, table):
            answers = super().__call__(table)
            (marks / str(os.getpid())).touch()
            time.sleep(0.5)
            return answers

    ray.init(num_cpus=4, include_dashboard=False, object_store_memory=200 << 20, logging_level="ERROR")
    killed = []
    killer = threading.Thread(target=kill_one, args=(marks, killed))
    killer.start()
    scorer, launcher.headstart.Scorer = launcher.headstart.Scorer, Marked
    launcher.main(str(place / "all.parquet"), model, str(place / "scores"), actors=2, batch=6)
    launcher.headstart.Scorer = scorer
    killer.join()
    assert killed, "no actor was killed"
    table = pyarrow.parquet.read_table(place / "scores")
    assert sorted(table.column("path").to_pylist()) == files, "not every row once"
    expected = headstart.Scorer(model)(pyarrow.table({"path": files})).sort_by("path")
    assert table.sort_by("path").select(expected.column_names).equals(expected), "other scores"
    print(f"actor {killed[0]} was killed; {table.num_rows} rows of {len(files)}, each once, with the scores of one process")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
