"""headstart for scikit-learn: a classifier of image files, and features of images for any other learner."""

import functools
import os
from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError as why:
    raise ImportError("HeadstartClassifier and HeadstartFeatures need scikit-learn: pip install scikit-learn") from why

from headstart import _cache, _headstart
from headstart._headstart import Model
from headstart._models import load
from headstart._progress import Progress
from headstart._training import encoded, train

__all__ = ["HeadstartClassifier", "HeadstartFeatures"]

Path = Union[str, "os.PathLike[str]"]
Array = "np.ndarray[Any, Any]"


class HeadstartClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of images: a net that was trained on ImageNet, whose last layers learn your classes.

    ``X`` is a list (or an array, or a column) of paths of image files. ``predict``, ``predict_proba`` and ``score`` also take
    what ``Model.classify_all`` takes: bytes of files, images of PIL, and arrays of uint8 ``[N, H, W, 3]``.

    ``predict`` gives a class for every image, by scores and threshold. Whether an answer should be believed, which classes
    are plausible and where the model looked tells ``model_.classify_all``.

    Parameters
    ----------
    recipe
        A training configuration: its name, or a ``.toml`` file.
    seed
        Decides the splits, the head's first weights, the order of images and dropout. The same seed gives the same bits.
    backbone, weights, image_size
        The pretrained net, the file of its weights, and the side of its input in pixels.
    unfreeze, epochs, batch_size, learning_rate
        What of the recipe shall be otherwise.
    settings
        Further settings of the recipe that shall be otherwise, such as ``{"probe": False}``.
    positive
        The class of two that sensitivity is about; the last unless given.
    hold_out_test
        Whether test images are cut off, as the command does, for the metrics of ``run_``. Validation images always are,
        because they choose the epoch, the threshold and the calibration.
    cache
        Where features are kept; the user's cache folder unless given.
    progress
        ``True`` shows how far a training is, ``"auto"`` in terminals and notebooks only; a function gets each event.

    Attributes
    ----------
    classes_
        The labels, sorted, in the order of the columns of ``predict_proba``.
    model_
        The sealed model. It is what a pickle of the classifier keeps.
    run_
        The training's ``Run``: metrics, history, report. A classifier that was unpickled or loaded has none.
    """

    def __init__(
        self,
        recipe: Path = "default",
        *,
        seed: int = 7,
        backbone: Optional[str] = None,
        weights: Optional[Path] = None,
        image_size: Optional[int] = None,
        unfreeze: Optional[str] = None,
        epochs: Optional[int] = None,
        batch_size: Optional[int] = None,
        learning_rate: Optional[float] = None,
        settings: Optional["dict[str, Any]"] = None,
        positive: Any = None,
        hold_out_test: bool = False,
        cache: Optional[Path] = None,
        progress: Progress = False,
    ) -> None:
        self.recipe = recipe
        self.seed = seed
        self.backbone = backbone
        self.weights = weights
        self.image_size = image_size
        self.unfreeze = unfreeze
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.settings = settings
        self.positive = positive
        self.hold_out_test = hold_out_test
        self.cache = cache
        self.progress = progress

    def fit(
        self,
        X: Sequence[Path],
        y: Sequence[Any],
        groups: Optional[Sequence[Any]] = None,
        splits: Optional[Sequence[Optional[str]]] = None,
    ) -> "HeadstartClassifier":
        """Trains on the image files ``X`` with the labels ``y``.

        ``groups`` says which images belong together, such as those of one patient: no split divides them. Without it the
        files tell the patients, or their paths. ``splits`` says ``"train"``, ``"validation"`` or ``"test"`` of each image,
        or ``None`` of one that is cut.
        """
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None: expected the class of each image")
        classes, _ = encoded(y)
        if len(classes) < 2:
            raise ValueError(f"y: expected at least two classes, found {len(classes)} class")
        parameters = self.get_params(deep=False)
        self.run_ = train(list(_listed(X)), y, groups=groups, splits=splits, **parameters)
        self.classes_ = classes
        self.model_ = self.run_.model
        return self

    def predict(self, X: Any) -> Array:
        """The likeliest class of each image by scores and threshold, whether or not the model would give that answer."""
        labels, _ = self._labels_and_scores(X)
        return self.classes_[labels]

    def predict_proba(self, X: Any) -> Array:
        """The share of each class, float32 ``[N, classes]``, in the order of ``classes_``: calibrated on validation images."""
        return self._labels_and_scores(X)[1]

    def _labels_and_scores(self, X: Any) -> "tuple[Array, Array]":
        check_is_fitted(self)
        return self.model_.labels_and_scores(_listed(X), progress=self.progress)

    def save(self, path: Path) -> None:
        """Writes the sealed model, which the command and ``load`` read. Parameters and ``run_`` are not in it."""
        check_is_fitted(self)
        self.model_.save(path)

    @classmethod
    def load(cls, path: Path) -> "HeadstartClassifier":
        """A classifier from a sealed model or a run folder. Its classes are texts."""
        classifier = cls()
        classifier.model_ = load(path)
        classifier.classes_ = np.array(classifier.model_.classes)
        return classifier

    def __getstate__(self) -> "dict[str, Any]":
        state = dict(super().__getstate__())
        state.pop("run_", None)
        return state

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        return _of_images(super().__sklearn_tags__())

    def _more_tags(self) -> "dict[str, Any]":
        # scikit-learn before 1.6.
        return {"X_types": ["string"], "requires_y": True}


class HeadstartFeatures(TransformerMixin, BaseEstimator):
    """What a pretrained net sees in images: a vector for each, the mean over height and width of the features at the cut.

    ``transform`` takes a list of paths, bytes of files, images of PIL or arrays, or an array of uint8 ``[N, H, W, 3]``, and
    gives float32 ``[N, C]``. Features of files are kept in the cache, so that a cross-validation computes each once. All are
    rounded to half precision, as they lie in the cache.

    Parameters
    ----------
    backbone
        The pretrained net.
    cut
        The block before which the net is divided, or ``"last-block"``; behind its last block unless given.
    weights
        The file of the net's weights, which every net but ``efficientnet-lite0`` needs.
    image_size
        Side of the net's input in pixels; the net's own unless given.
    cache
        Where features are kept; the user's cache folder unless given.
    progress
        ``True`` shows how far it is, ``"auto"`` in terminals and notebooks only; a function gets each event.
    """

    def __init__(
        self,
        backbone: str = "efficientnet-lite0",
        *,
        cut: Optional[str] = None,
        weights: Optional[Path] = None,
        image_size: Optional[int] = None,
        cache: Optional[Path] = None,
        progress: Progress = False,
    ) -> None:
        self.backbone = backbone
        self.cut = cut
        self.weights = weights
        self.image_size = image_size
        self.cache = cache
        self.progress = progress

    def fit(self, X: Any = None, y: Any = None) -> "HeadstartFeatures":
        """Checks the parameters. There is nothing to learn."""
        self.n_features_out_ = self._extractor().channels
        return self

    def transform(self, X: Any) -> Array:
        """The features of each image, float32 ``[N, C]``."""
        folder = _cache.folder(self.cache)  # type: ignore[arg-type]
        return self._extractor().features(_listed(X), folder, progress=self.progress)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """``efficientnet-lite0_0`` and so on."""
        return np.array([f"{self.backbone}_{index}" for index in range(self._extractor().channels)], dtype=object)

    def _extractor(self) -> _headstart.Extractor:
        weights = None if self.weights is None else os.fspath(self.weights)
        changed = os.stat(weights).st_mtime_ns if weights is not None and os.path.exists(weights) else None
        return _loaded(self.backbone, self.cut, weights, changed, self.image_size)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = _of_images(super().__sklearn_tags__())
        tags.requires_fit = False
        return tags

    def _more_tags(self) -> "dict[str, Any]":
        # scikit-learn before 1.6.
        return {"X_types": ["string"], "stateless": True, "requires_fit": False}


@functools.lru_cache(maxsize=2)
def _loaded(
    backbone: str, cut: Optional[str], weights: Optional[str], _changed: Optional[int], image_size: Optional[int]
) -> _headstart.Extractor:
    """Loads a net once for all clones of a transformer, and again when its file was changed."""
    return _headstart.Extractor(backbone, cut=cut, weights=weights, image_size=image_size)


def _listed(X: Any) -> Any:
    """Images as the compiled part takes them: a table of one column, which pipelines hand on, is that column."""
    if X is None or isinstance(X, (str, bytes)):
        raise ValueError(f"X: expected several images, such as a list of paths, found {type(X).__name__}")
    is_table = getattr(X, "ndim", 1) == 2 and X.shape[1] == 1
    if is_table and getattr(getattr(X, "dtype", None), "kind", "O") in "OUS":
        return list(np.asarray(X, dtype=object)[:, 0])
    return X


def _of_images(tags: Any) -> Any:
    tags.input_tags.two_d_array = False
    tags.input_tags.string = True
    return tags
