"""What is wrong is named, and nothing is left behind."""

import numpy as np
import pytest
from conftest import QUICK

import headstart
from headstart import HeadstartClassifier, HeadstartFeatures


def test_missing_files_are_named(model, files, tmp_path):
    paths, labels = files
    missing = str(tmp_path / "no.png")
    for work in (
        lambda: headstart.load(tmp_path / "no.safetensors"),
        lambda: model.classify(missing),
        lambda: model.classify_all([paths[0], missing]),
        lambda: HeadstartFeatures(image_size=64).transform([paths[0], missing]),
        lambda: headstart.train([*paths, missing], [*labels, "left"], **QUICK),
        lambda: headstart.train(tmp_path / "no folder", **QUICK),
        lambda: headstart.train(paths, labels, recipe=tmp_path / "no.toml"),
        lambda: HeadstartFeatures("resnet50", weights=tmp_path / "no.pth").fit(),
    ):
        with pytest.raises(FileNotFoundError, match="no"):
            work()


def test_models_that_are_none_are_named(model, tmp_path):
    for name, content in [("text", b"no model"), ("cut", model.to_bytes()[:-9]), ("empty", b"")]:
        file = tmp_path / name
        file.write_bytes(content)
        with pytest.raises(headstart.HeadstartError, match=name):
            headstart.load(file)
    with pytest.raises(headstart.HeadstartError, match="the bytes of a model"):
        headstart.Model.from_bytes(b"no model")
    changed = bytearray(model.to_bytes())
    changed[-5] ^= 0x40
    with pytest.raises(headstart.HeadstartError):
        headstart.Model.from_bytes(bytes(changed))
    with pytest.raises(headstart.HeadstartError, match="a folder without model.safetensors"):
        headstart.load(tmp_path)


@pytest.mark.parametrize(
    ("image", "kind", "message"),
    [
        (np.zeros((4, 4), np.float32), ValueError, r"expected an array of uint8 or uint16 .* found float32 with \[4, 4\]"),
        (np.zeros((4, 4, 4), np.uint8), ValueError, r"found uint8 with \[4, 4, 4\]"),
        (np.zeros((0, 4), np.uint8), ValueError, "sides from 1 to 65535"),
        (np.zeros(4, np.uint8), ValueError, r"found uint8 with \[4\]"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000)), ValueError, "at most 100000000 pixels"),
        (7, TypeError, "expected a path, the bytes of a file, an array or an image of PIL, found <class 'int'>"),
        (None, TypeError, "NoneType"),
        (b"", headstart.HeadstartError, "empty file"),
        (b"\xff\xd8\xff\xe0", headstart.HeadstartError, "JPEG"),
    ],
)
def test_images_that_are_none_are_refused(model, image, kind, message):
    with pytest.raises(kind, match=message):
        model.classify(image)
    with pytest.raises(kind, match=message):
        model.classify_all([image])


def test_several_images_are_no_single_one(model, files):
    with pytest.raises(TypeError, match="expected several images"):
        model.classify_all(files[0][0])
    with pytest.raises(ValueError, match=r"\[N, H, W, 3\], found float64 with \[2, 4, 4, 3\]"):
        model.classify_all(np.zeros((2, 4, 4, 3)))
    assert model.classify_all([]) == []
    with pytest.raises(ValueError, match="expected images, found none"):
        HeadstartFeatures(image_size=64).transform([])
    with pytest.raises(ValueError, match="errors: expected 'raise' or 'keep', found \"drop\""):
        model.classify_all([], errors="drop")


def test_settings_are_named(model, files):
    paths, labels = files
    for options, message in [
        ({"recipe": "no-such"}, "no-such"),
        ({"backbone": "no-such"}, "unknown backbone"),
        ({"image_size": 7}, "image_size: expected from 32 to 2048 pixels, found 7"),
        ({"unfreeze": "no-such"}, "no block"),
        ({"learning_rate": -1.0}, "learning"),
        ({"positive": "middle"}, "positive: expected one of left, right, found middle"),
        ({"progress": "perhaps"}, "progress: expected True, False, 'auto' or a function"),
    ]:
        with pytest.raises(ValueError, match=message):
            HeadstartClassifier(**{**QUICK, **options}).fit(paths, labels)
    with pytest.raises(ValueError, match="class_name: expected one of left, right, found middle"):
        model.explain(paths[0], "middle")
    with pytest.raises(ValueError, match="explain_method"):
        model.classify(paths[0], heat_map="no-such")
    with pytest.raises(ValueError, match="weights: expected"):
        HeadstartFeatures("resnet50").fit()


def test_labels_groups_and_splits_are_counted(files):
    paths, labels = files
    fit = HeadstartClassifier(**QUICK).fit
    for arguments, options, message in [
        ((paths, labels[:-1]), {}, "y: expected one for each of 160 images, found 159"),
        ((paths, labels), {"groups": [1]}, "groups: expected one for each of 160 images, found 1"),
        ((paths, labels), {"splits": ["train"]}, "splits: expected one for each"),
        ((paths, labels), {"splits": ["tain"] * 160}, "splits: expected train, validation or test, found tain"),
        ((paths, ["left"] * 160), {}, "at least two classes, found 1 class"),
        ((paths, [0.5] * 160), {}, "numbers with fractions"),
        ((paths, None), {}, "requires y to be passed"),
        (([], []), {}, "expected"),
        ((paths[0], labels), {}, "expected several images"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit(*arguments, **options)
    with pytest.raises(TypeError, match="image 0: expected the path of an image file, found ndarray"):
        fit(np.zeros((160, 4, 4, 3), np.uint8), labels)
    with pytest.raises(headstart.HeadstartError, match="each path once"):
        fit([*paths, paths[0]], [*labels, labels[0]])


def test_a_folder_comes_without_labels(pictures, files):
    with pytest.raises(ValueError, match="y: expected none"):
        headstart.train(pictures, files[1])
    with pytest.raises(ValueError, match="y: expected the class of each path"):
        headstart.train(files[0])
    with pytest.raises(ValueError, match="groups and splits: expected a list"):
        headstart.train(pictures, groups=[1, 2])


def test_a_run_folder_that_is_taken_is_left_alone(pictures, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(headstart.HeadstartError, match="a new or empty folder"):
        headstart.train(pictures, **QUICK, out=tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["mine.txt"]
