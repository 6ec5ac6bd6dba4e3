"""Sealed models from files."""

import os
from typing import Union

from headstart._headstart import HeadstartError, Model

#: The model's file in a run folder.
_FILE = "model.safetensors"


def load(path: Union[str, "os.PathLike[str]"]) -> Model:
    """Reads a sealed model from its file, or from the run folder that it lies in.

    The file is checked: its digest, its values, and the scores that it was sealed with.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        file = os.path.join(path, _FILE)
        if not os.path.isfile(file):
            expected = "a sealed model, or the run folder of one"
            raise HeadstartError(f"{path}: expected {expected}, found a folder without {_FILE}")
        path = file
    return Model.load(path)
