"""Trainings: from what a user says to what the compiled part is asked for."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

from headstart import _cache, _headstart
from headstart._headstart import Run
from headstart._progress import HeadstartWarning, Progress

if TYPE_CHECKING:
    # Imported where it is used, so that the command starts without it.
    import numpy as np

__all__ = ["HeadstartWarning", "train"]

Path = Union[str, "os.PathLike[str]"]


def train(
    data: Union[Path, Iterable[Path]],
    y: Optional[Sequence[Any]] = None,
    *,
    groups: Union[str, Sequence[Any], None] = None,
    splits: Optional[Sequence[Optional[str]]] = None,
    recipe: Path = "default",
    seed: int = 7,
    backbone: Optional[str] = None,
    weights: Optional[Path] = None,
    image_size: Optional[int] = None,
    unfreeze: Optional[str] = None,
    epochs: Optional[int] = None,
    batch_size: Optional[int] = None,
    learning_rate: Optional[float] = None,
    settings: Optional[Mapping[str, Any]] = None,
    train_images: Optional[int] = None,
    positive: Any = None,
    resplit: bool = False,
    hold_out_test: bool = True,
    cache: Optional[Path] = None,
    out: Optional[Path] = None,
    resume: bool = False,
    progress: Progress = "auto",
) -> Run:
    """Trains a classifier, as the command ``headstart train`` does: the same data, settings and seed give the same model,
    byte for byte.

    Parameters
    ----------
    data
        A folder of class folders; or of ``train/``, ``val/`` and ``test/``, each with class folders; or a ``.csv`` with the
        columns ``path,label``; or a MedMNIST ``.npz``. With ``y``, the paths of the images.
    y
        The class of each path: texts, whole numbers or booleans.
    groups
        Which images belong together, such as those of one patient; no split divides them. For a list of paths, the group of
        each (``None`` stands alone). Else ``"auto"``, ``"none"``, the name of a collection or a regular expression on paths.
    splits
        For a list of paths, the split of each: ``"train"``, ``"validation"``, ``"test"``, or ``None`` for one that is cut.
    recipe
        A training configuration: its name, or a ``.toml`` file.
    seed
        Decides the splits that are missing, the head's first weights, the order of images and dropout.
    backbone, weights, image_size
        The pretrained net, the file of its weights, and the side of its input in pixels.
    unfreeze, epochs, batch_size, learning_rate
        What of the recipe shall be otherwise.
    settings
        Further settings of the recipe that shall be otherwise, such as ``{"probe": False}``.
    train_images
        Trains on a stratified subset of this many images.
    positive
        The class of two that sensitivity is about; the last unless given.
    resplit
        Splits the data again, whatever splits they come with.
    hold_out_test
        Whether test images are cut off where the data come without. They are read once, at the end.
    cache
        Where features are kept; the user's cache folder unless given.
    out
        The run folder to write, which is new or empty. ``Run.save`` writes one later. With a folder, a training that was
        stopped goes on where ``resume`` is true.
    progress
        ``"auto"`` shows a line in a terminal and in a notebook, ``True`` always, ``False`` never. A function is called with a
        dict for each event.
    """
    files, classes = [], []
    if y is not None:
        if isinstance(data, (str, os.PathLike)):
            raise ValueError("y: expected none, because the folder or table says the classes; or a list of paths with it")
        labels, labelled = encoded(y)
        classes = [str(label) for label in labels]
        files = _files(list(data), labelled, groups, splits)
    elif splits is not None or not (groups is None or isinstance(groups, str)):
        raise ValueError("groups and splits: expected a list of paths as data, and y, with them")
    elif not isinstance(data, (str, os.PathLike)):
        raise ValueError("y: expected the class of each path, found none")
    order = {
        "data": None if files else os.fspath(data),  # type: ignore[arg-type]
        "classes": classes,
        "files": files,
        "recipe": os.fspath(recipe),
        "settings": _settings(settings, unfreeze, epochs, batch_size, learning_rate),
        "backbone": backbone,
        "weights": weights,
        "image_size": image_size,
        "seed": seed,
        "train_images": train_images,
        "groups": groups if isinstance(groups, str) else None,
        "resplit": resplit,
        "hold_out_test": hold_out_test,
        "positive": None if positive is None else str(positive),
        "cache": _cache.folder(cache),  # type: ignore[arg-type]
        "out": out,
        "resume": resume,
    }
    return _headstart.train(order, progress=progress)


def encoded(y: Sequence[Any]) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """The classes, sorted, and which of them each label is."""
    import numpy as np

    labels = np.asarray(y)
    if labels.ndim != 1:
        raise ValueError(f"y: expected one label for each image, found an array of shape {labels.shape}")
    if labels.dtype.kind == "f" and not np.all(labels == np.floor(labels)):
        raise ValueError("y: expected class labels, found numbers with fractions, or none at all")
    if labels.dtype.kind == "O" and len({type(label) for label in labels}) > 1:
        kinds = ", ".join(sorted({type(label).__name__ for label in labels}))
        raise ValueError(f"y: expected labels of one kind, found {kinds}")
    classes, indices = np.unique(labels, return_inverse=True)
    return classes, indices.reshape(-1)


def _files(
    paths: "list[Path]",
    labels: "np.ndarray[Any, Any]",
    groups: Union[str, Sequence[Any], None],
    splits: Optional[Sequence[Optional[str]]],
) -> "list[tuple[str, int, Optional[str], Optional[str]]]":
    count = len(paths)
    if count == 0:
        raise ValueError("expected images, found none")
    names = [None] * count if groups is None or isinstance(groups, str) else [_text(group) for group in groups]
    parts = [None] * count if splits is None else [_text(split) for split in splits]
    for name, values in (("y", labels), ("groups", names), ("splits", parts)):
        if len(values) != count:
            raise ValueError(f"{name}: expected one for each of {count} images, found {len(values)}")
    for index, path in enumerate(paths):
        if not isinstance(path, (str, os.PathLike)):
            expected = "the path of an image file"
            raise TypeError(f"image {index}: expected {expected}, found {type(path).__name__}")
    return [
        (os.fspath(path), int(label), name, part) for path, label, name, part in zip(paths, labels, names, parts)
    ]


def _text(cell: Any) -> Optional[str]:
    # Tables have NaN where there is nothing.
    return None if cell is None or cell != cell else str(cell)


def _settings(settings: Optional[Mapping[str, Any]], *others: Any) -> str:
    names = ("unfreeze", "epochs", "batch_size", "learning_rate")
    given = {name: value for name, value in zip(names, others) if value is not None}

    def plain(value: Any) -> Any:
        # A number of NumPy.
        if hasattr(value, "item"):
            return value.item()
        raise ValueError(f"settings: expected texts, numbers, lists and dicts, found {type(value).__name__}")

    return json.dumps({**(settings or {}), **given}, default=plain)
