"""The folder where features are kept."""

import functools
import os
import tempfile
import warnings
from typing import Optional

from headstart._headstart import usual_cache
from headstart._progress import HeadstartWarning


def folder(given: Optional[str]) -> str:
    """The folder that is given, or the user's cache folder. Where that cannot be written there is a warning, and a folder
    that goes when Python ends: a cache saves time and is nothing that work must fail for."""
    if given is not None:
        return os.fspath(given)
    usual = usual_cache()
    try:
        os.makedirs(usual, exist_ok=True)
        with tempfile.TemporaryFile(dir=usual, prefix=".probe-"):
            return usual
    except OSError as why:
        return _temporary(usual, str(why)).name


@functools.lru_cache(maxsize=1)
def _temporary(usual: str, why: str) -> "tempfile.TemporaryDirectory[str]":
    kept = tempfile.TemporaryDirectory(prefix="headstart-cache-")
    text = f"the cache {usual} cannot be written ({why}): features are kept in {kept.name} until Python ends"
    warnings.warn(text, HeadstartWarning, stacklevel=4)
    return kept
