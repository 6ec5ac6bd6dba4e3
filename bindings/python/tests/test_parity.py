"""The package computes what the command computes, to the bit."""

import csv
import io

import numpy as np
import pytest
from conftest import QUICK, command, listed
from PIL import Image

import headstart

OPTIONS = ["--recipe", "linear-probe", "--image-size", "64", "--seed", "3"]


@pytest.fixture(scope="module")
def trained(pictures, tmp_path_factory):
    """The run folder that the command writes."""
    out = tmp_path_factory.mktemp("run") / "run"
    done = command("train", pictures, *OPTIONS, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_a_folder_gives_the_same_sealed_file(trained, run):
    assert run.model.to_bytes() == (trained / "model.safetensors").read_bytes()


def test_a_list_of_paths_gives_the_same_sealed_file(trained, files):
    paths, labels = files
    order = np.random.default_rng(0).permutation(len(paths))
    shuffled = [paths[index] for index in order], [labels[index] for index in order]
    assert headstart.train(*shuffled, **QUICK).model.to_bytes() == (trained / "model.safetensors").read_bytes()


def test_the_default_recipe_gives_the_same_sealed_file(pictures, tmp_path):
    out = tmp_path / "run"
    done = command("train", pictures, "--image-size", "64", "--epochs", "1", "--out", out)
    assert done.returncode == 0, done.stderr
    paths, labels = listed(pictures)
    classifier = headstart.HeadstartClassifier(image_size=64, epochs=1, hold_out_test=True).fit(paths, labels)
    assert classifier.model_.to_bytes() == (out / "model.safetensors").read_bytes()


def test_groups_are_those_of_a_table(pictures, files, tmp_path):
    paths, labels = files
    groups = [f"patient {index // 3}" for index in range(len(paths))]
    table = tmp_path / "table.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "group", "root"])
        folder = str(pictures)
        rows.writerows([path[len(folder) + 1 :], label, group, folder] for path, label, group in zip(paths, labels, groups))
    out = tmp_path / "run"
    done = command("train", table, *OPTIONS, "--out", out)
    assert done.returncode == 0, done.stderr
    run = headstart.train(paths, labels, groups=groups, **QUICK)
    assert run.model.to_bytes() == (out / "model.safetensors").read_bytes()
    assert run.model.to_bytes() != headstart.train(paths, labels, **QUICK).model.to_bytes()


def test_answers_are_those_of_predict(trained, files):
    paths, _ = files
    done = command("predict", trained, *paths, "--format", "csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    answers = headstart.load(trained).classify_all(paths)
    assert [row["path"] for row in rows] == [answer["path"] for answer in answers] == paths
    for row, answer in zip(rows, answers):
        for name in ("score_left", "score_right"):
            assert np.float32(row[name]) == np.float32(answer[name])
        assert row["verdict"] == answer["verdict"]
        assert row["predicted"] == (answer["predicted"] or "")
        assert row["plausible"] == "|".join(answer["plausible"] or [])


def test_features_are_those_of_the_command(pictures, files, tmp_path):
    paths, _ = files
    out = tmp_path / "features.npy"
    options = ["--backbone", "efficientnet-lite0", "--unfreeze", "none", "--image-size", "64", "--pool"]
    done = command("features", pictures, *options, "--out", out)
    assert done.returncode == 0, done.stderr
    features = headstart.HeadstartFeatures(image_size=64).transform(paths)
    assert features.dtype == np.float32 and np.array_equal(features, np.load(out))
    arrays = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])
    assert np.array_equal(headstart.HeadstartFeatures(image_size=64).transform(arrays), features)


def test_the_run_folder_of_the_command_is_read(trained, run):
    assert headstart.load(trained).description == run.model.description
