"""A notebook that Jupyter's own client runs without a window: how far the work is, and what a run looks like."""

import pytest
from conftest import QUICK

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")


def executed(*sources):
    """The cells' outputs."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return [cell["outputs"] for cell in notebook["cells"]]


def test_a_notebook_shows_how_far_a_training_is_and_its_curves(pictures):
    train = f"import headstart\nrun = headstart.train({str(pictures)!r}, epochs=3, **{QUICK!r})"
    work, shown = executed(train, "run")
    told = "".join(output["text"] for output in work if output["output_type"] == "stream" and output["name"] == "stderr")
    # A line is written over by the next one; that of an epoch stays.
    assert "\r" in told and "epoch 3" in told, told
    data = [output["data"] for output in shown if output["output_type"] == "execute_result"]
    assert len(data) == 1
    html = data[0]["text/html"]
    assert "<svg" in html and "AUC" in html and "<script" not in html
