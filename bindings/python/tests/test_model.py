"""A sealed model: what it takes, what it says, and that it neither changes nor grows."""

import io
import pickle
import resource
import sys

import numpy as np
import pytest
from conftest import QUICK
from PIL import Image

import headstart


@pytest.fixture
def path(files):
    return files[0][0]


def scores(answer):
    return [answer["score_left"], answer["score_right"]]


def test_one_image_by_any_way_has_one_answer(model, path):
    picture = Image.open(path)
    grey = np.asarray(picture)
    with open(path, "rb") as file:
        bytes_of_file = file.read()
    rgb = np.stack([grey] * 3, axis=-1)
    ways = [path, bytes_of_file, bytearray(bytes_of_file), grey, grey[..., None], rgb, rgb[:, ::-1][:, ::-1], picture]
    answers = [model.classify(way) for way in ways]
    assert all(scores(answer) == scores(answers[0]) for answer in answers)
    assert answers[0]["path"] == path and answers[1]["path"] is None
    assert [answer["path"] for answer in model.classify_all(ways)][0] == path


def test_pil_s_images_are_read_as_their_files(model, tmp_path):
    random = np.random.default_rng(3)
    deep = Image.fromarray(random.integers(0, 65536, (40, 40), dtype=np.uint16))
    clear = Image.fromarray(random.integers(0, 256, (40, 40, 4), dtype=np.uint8), "RGBA")
    colours = Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).quantize(16)
    turned = Image.fromarray(random.integers(0, 256, (40, 50, 3), dtype=np.uint8))
    exif = turned.getexif()
    exif[0x0112] = 6
    for name, picture, options in [("deep", deep, {}), ("clear", clear, {}), ("colours", colours, {}), ("turned", turned, {"exif": exif})]:
        file = tmp_path / f"{name}.png"
        picture.save(file, **options)
        assert scores(model.classify(Image.open(file))) == scores(model.classify(file)), name


def test_an_answer_is_a_row_of_plain_values(model, files):
    answers = model.classify_all(files[0][:6])
    for answer in answers:
        assert list(answer) == list(answers[0])
        assert answer["verdict"] in ("decided", "undecided", "refused")
        assert abs(sum(scores(answer)) - 1) < 1e-5
        assert answer["likeliest"] in model.classes
        assert answer["predicted"] in (None, answer["likeliest"])
        assert answer["plausible"] is None or set(answer["plausible"]) <= set(model.classes)
        assert answer["distance"] > 0 and answer["error"] is None
        plain = (str, float, bool, int, list, type(None))
        assert all(type(value) in plain for value in answer.values())


def test_heat_maps_are_arrays(model, path):
    answer = model.classify(path, heat_map="grad-cam")
    heat = answer["heat_map"]
    assert heat.dtype == np.float32 and heat.ndim == 2 and heat.flags.writeable
    assert heat.min() >= 0 and heat.max() <= 1
    assert np.array_equal(model.explain(path), heat)
    other = model.explain(path, "right" if answer["likeliest"] == "left" else "left", method="layer-cam")
    assert other.shape == heat.shape and not np.array_equal(other, heat)
    laid = model.overlay(path)
    assert laid.dtype == np.uint8 and laid.shape == (48, 56, 3)


def test_what_cannot_be_used_is_kept_or_raised(model, path, tmp_path):
    text = tmp_path / "text.png"
    text.write_text("no image")
    answers = model.classify_all([path, text, path], errors="keep")
    assert [answer["error"] is None for answer in answers] == [True, False, True]
    assert "plain text" in answers[1]["error"] and answers[1]["verdict"] is None
    assert list(answers[0]) == list(answers[1])
    with pytest.raises(headstart.HeadstartError, match="text.png: not an image: plain text"):
        model.classify_all([path, text])
    with pytest.raises(headstart.HeadstartError, match="text.png"):
        model.classify(text)


def test_a_model_is_its_bytes(model, files, tmp_path):
    file = tmp_path / "model.safetensors"
    model.save(file)
    assert file.read_bytes() == model.to_bytes()
    assert [item.name for item in tmp_path.iterdir()] == ["model.safetensors"]
    for same in (pickle.loads(pickle.dumps(model)), headstart.load(file), headstart.Model.from_bytes(model.to_bytes())):
        assert same.classes == model.classes and same.threshold == model.threshold
        assert same.classify(files[0][0]) == model.classify(files[0][0])


def test_results_belong_to_python(model, files):
    labels, shares = model.labels_and_scores(files[0][:5])
    assert labels.dtype == np.int64 and shares.dtype == np.float32 and shares.shape == (5, 2)
    before = shares.copy()
    model.labels_and_scores(files[0][5:10])
    assert np.array_equal(shares, before)
    shares[:] = 0
    assert shares.base is not None or shares.flags.owndata


def test_a_run_tells_what_came_of_it(run, tmp_path):
    accuracy = run.metrics["test"]["accuracy"]
    assert 0 <= accuracy["low"] <= accuracy["value"] <= accuracy["high"] <= 1
    assert [record["epoch"] for record in run.history] == list(range(1, len(run.history) + 1))
    assert run.classes == ["left", "right"] and run.set_aside == []
    run.save(tmp_path / "run")
    assert (tmp_path / "run/model.safetensors").read_bytes() == run.model.to_bytes()
    assert (tmp_path / "run/report.html").exists()
    with pytest.raises(headstart.HeadstartError, match="a new or empty folder"):
        run.save(tmp_path / "run")


def test_a_notebook_shows_a_run(run):
    html = run._repr_html_()
    assert html.count("<svg") == 1 and run.curves_svg in html
    assert f"{run.metrics['test']['accuracy']['value']:.4f}" in html
    assert all(f"<th>{split}</th>" in html for split in run.metrics)


def resident():
    """Bytes that the process holds now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process holds")
def test_ten_thousand_predictions_take_no_more_memory_than_a_thousand(pictures, files):
    model = headstart.train(pictures, **{**QUICK, "image_size": 32}).model
    random = np.random.default_rng(5)
    pictures = random.integers(0, 256, (50, 48, 56, 3), dtype=np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(pictures[0]).save(encoded, "PNG")

    def some(count):
        for _ in range(count // 100):
            model.classify_all(pictures)
            model.labels_and_scores(pictures[:40])
            for picture in pictures[:8]:
                model.classify(picture)
            model.classify(encoded.getvalue())
            model.classify(files[0][0])

    some(1000)
    before = resident()
    some(10_000)
    assert resident() - before < 8 << 20
