"""Tables of paths in, tables of answers out."""

import pytest

import headstart

pyarrow = pytest.importorskip("pyarrow")


@pytest.fixture
def sealed(model, tmp_path):
    file = tmp_path / "model.safetensors"
    model.save(str(file))
    return file


def test_a_table_of_answers_has_a_row_for_each_path(sealed, model, files, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    paths = [files[0][0], str(bad), files[0][-1]]
    scorer = headstart.Scorer(sealed, column="file")
    answers = scorer(pyarrow.table({"file": paths, "other": [1, 2, 3]}))
    assert answers.schema == scorer.schema
    assert answers.column("path").to_pylist() == paths
    name = f"score_{model.classes[0]}"
    expected = [answer[name] for answer in model.classify_all(paths, errors="keep")]
    assert answers.column(name).to_pylist() == expected
    errors = answers.column("error").to_pylist()
    assert errors[0] is None and str(bad) in errors[1] and answers.column("verdict").to_pylist()[1] is None
    assert scorer(pyarrow.table({"file": pyarrow.array([], pyarrow.string())})).num_rows == 0


def test_a_column_that_is_not_there_is_named(sealed):
    with pytest.raises(ValueError, match="column: expected one of the table's, other, found path"):
        headstart.Scorer(sealed)(pyarrow.table({"other": ["x"]}))
