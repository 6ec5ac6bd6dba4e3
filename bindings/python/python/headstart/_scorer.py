"""Tables of image paths in, tables of answers out, for engines that hand batches of rows to a class."""

import os
from typing import TYPE_CHECKING, Union

from headstart._models import load

if TYPE_CHECKING:
    import pyarrow


class Scorer:
    """A model that answers tables of image paths, as Ray Data's ``map_batches`` and Spark's ``mapInArrow`` give them.

    >>> table = headstart.Scorer("runs/first")(pyarrow.table({"path": ["scan.jpeg"]}))     # doctest: +SKIP

    An engine makes one in each of its processes, which loads the model once. ``column`` names the paths. The answers are
    one row for each path, in order, with the columns of ``schema``; an image that cannot be used is a row with ``error``.
    Needs the package pyarrow.
    """

    def __init__(self, model: Union[str, "os.PathLike[str]"], column: str = "path") -> None:
        import pyarrow

        self._model = load(model)
        self._column = column
        text, number = pyarrow.string(), pyarrow.float64()
        scores = [(f"score_{name}", number) for name in self._model.classes]
        #: The columns of the answers.
        self.schema: "pyarrow.Schema" = pyarrow.schema([
            ("path", text),
            ("verdict", text),
            ("predicted", text),
            *scores,
            ("distance", number),
            ("oddness", number),
            ("unusual", pyarrow.bool_()),
            ("error", text),
        ])

    def __call__(self, table: "pyarrow.Table") -> "pyarrow.Table":
        import pyarrow

        if self._column not in table.column_names:
            found = ", ".join(table.column_names)
            raise ValueError(f"column: expected one of the table's, {found}, found {self._column}")
        paths = table.column(self._column).to_pylist()
        answers = self._model.classify_all(paths, errors="keep") if paths else []
        return pyarrow.Table.from_pylist(answers, schema=self.schema)
