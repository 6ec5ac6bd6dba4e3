"""The examples of docs/python.md run, one after the other."""

import pathlib
import re
import shutil

from conftest import draw

GUIDE = pathlib.Path(__file__).parents[3] / "docs/python.md"


def test_the_guide_s_examples_run(tmp_path, monkeypatch):
    draw(tmp_path / "drawn", 24)
    for label, name in (("left", "NORMAL"), ("right", "PNEUMONIA")):
        folder = tmp_path / "chest-xray" / name
        folder.mkdir(parents=True)
        for index, picture in enumerate(sorted((tmp_path / "drawn" / label).iterdir())):
            shutil.copy(picture, folder / f"{name.lower()}{index // 2}-{index % 2}.png")
    (tmp_path / "scans").mkdir()
    shutil.copy(picture, tmp_path / "scan.png")
    shutil.copy(picture, tmp_path / "scans")
    (tmp_path / "scans/notes.txt").write_text("no image")
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    names = {}
    for example in examples:
        exec(compile(example, str(GUIDE), "exec"), names)  # noqa: S102
    assert len(examples) == 7
    assert names["answer"]["verdict"] in ("decided", "undecided", "refused")
    assert [answer["error"] is None for answer in names["answers"]] == [True, False]
    assert names["picture"].shape == (48, 56, 3) and names["heat"].ndim == 2
    assert len(names["scores"]) == 3 and names["search"].best_score_ > 0.5
