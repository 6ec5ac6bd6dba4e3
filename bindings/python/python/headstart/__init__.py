"""Transfer learning for CNN image classifiers: train on labelled images, measure honestly, predict.

>>> import headstart
>>> run = headstart.train("chest-xray", seed=7)            # doctest: +SKIP
>>> run.save("runs/first")                                 # doctest: +SKIP
>>> headstart.load("runs/first").classify("scan.jpeg")     # doctest: +SKIP

``train`` trains and returns a ``Run``; ``load`` reads a sealed model. ``HeadstartClassifier`` and ``HeadstartFeatures`` are
the same for scikit-learn. The command is ``headstart``, or ``python -m headstart``.

Settings and arguments that are wrong raise ``ValueError`` or ``TypeError``, missing files ``FileNotFoundError``, and files,
models and images that are not what they have to be ``HeadstartError``. Every message names what was expected and what was
found.

Everything is computed on one thread for each processor, or on as many as the environment's ``RAYON_NUM_THREADS`` says. Other
threads of Python run meanwhile, and Ctrl-C stops the work. A forked process gets threads of its own; fork only while headstart
is not at work.
"""

from typing import TYPE_CHECKING, Any

from headstart._headstart import HeadstartError, Model, Run, __version__, number_of_threads
from headstart._models import load
from headstart._scorer import Scorer
from headstart._training import HeadstartWarning, train

if TYPE_CHECKING:
    from headstart.sklearn import HeadstartClassifier, HeadstartFeatures

__all__ = [
    "HeadstartClassifier",
    "HeadstartError",
    "HeadstartFeatures",
    "HeadstartWarning",
    "Model",
    "Run",
    "Scorer",
    "__version__",
    "load",
    "number_of_threads",
    "train",
]


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to load, and the command and many programs do without.
    if name in ("HeadstartClassifier", "HeadstartFeatures"):
        from headstart import sklearn

        return getattr(sklearn, name)
    raise AttributeError(f"module 'headstart' has no attribute {name!r}")
