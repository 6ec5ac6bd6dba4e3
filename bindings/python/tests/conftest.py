"""Pictures and models that the tests share. Nothing is written outside of temporary folders."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import headstart

#: Quick enough for tests; the library's own tests hold the rest.
QUICK = {"recipe": "linear-probe", "image_size": 64, "seed": 3}


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    os.environ["HEADSTART_CACHE"] = str(folder)
    return folder


def draw(folder: pathlib.Path, count: int) -> None:
    """Two classes of grey pictures: a bright spot at the left or at the right, in noise."""
    random = np.random.default_rng(1)
    for label in ("left", "right"):
        (folder / label).mkdir(parents=True)
        for index in range(count):
            levels = random.integers(40, 120, (48, 56))
            row, column = random.integers(4, 30), random.integers(2, 12) + (0 if label == "left" else 28)
            levels[row : row + 14, column : column + 14] += 110
            Image.fromarray(levels.astype(np.uint8)).save(folder / label / f"{index:03}.png")


def listed(folder: pathlib.Path) -> "tuple[list[str], list[str]]":
    paths = sorted(str(path) for path in folder.glob("*/*.png"))
    return paths, [pathlib.Path(path).parent.name for path in paths]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("pictures") / "data"
    draw(folder, 80)
    return folder


@pytest.fixture(scope="session")
def files(pictures):
    return listed(pictures)


@pytest.fixture(scope="session")
def run(pictures) -> headstart.Run:
    return headstart.train(pictures, **QUICK)


@pytest.fixture(scope="session")
def model(run) -> headstart.Model:
    return run.model


def command(*arguments, **options) -> "subprocess.CompletedProcess[str]":
    """Runs the command of this package, or the program that `HEADSTART_PROGRAM` names."""
    program = os.environ.get("HEADSTART_PROGRAM")
    start = [program] if program else [sys.executable, "-m", "headstart"]
    words = [*start, *(str(argument) for argument in arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, **options)
