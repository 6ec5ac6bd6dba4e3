"""What long work tells: warnings for Python, and one line of text that shows how far it is."""

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, Literal, Union

Event = dict[str, Any]
#: ``"auto"`` shows a line in a terminal and in a notebook, ``True`` always, ``False`` never; a function gets each event.
Progress = Union[bool, Literal["auto"], Callable[[Event], None]]

#: Names of events that tell how far something is, and what is shown of them.
_STEPS = {"looking": "looking", "features": "features", "step": "epoch", "images": "images"}


class HeadstartWarning(UserWarning):
    """Something is wrong, though the work goes on: a file that cannot be used, data or results that are doubtful."""


def listener(progress: Progress) -> Callable[[Event], None]:
    """What events are handed to: warnings become Python's, and the rest goes where ``progress`` says."""
    show = _shown(progress)

    def listen(event: Event) -> None:
        if event["event"] == "warning":
            _warn(event["text"])
        elif event["event"] == "set-aside":
            _warn(f"set aside: {event['path']}: {event['why']}")
        if show is not None:
            show(event)

    return listen


def _warn(text: str) -> None:
    # It is told of the line that called this package.
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, HeadstartWarning, stacklevel=level)


def _shown(progress: Progress) -> Union[Callable[[Event], None], None]:
    if callable(progress):
        return progress
    if progress not in (True, False, "auto"):
        raise ValueError(f"progress: expected True, False, 'auto' or a function, found {progress!r}")
    if progress is True or (progress == "auto" and _somebody_watches()):
        return Line()
    return None


def _somebody_watches() -> bool:
    return (sys.stderr is not None and sys.stderr.isatty()) or _in_a_notebook()


def _in_a_notebook() -> bool:
    """Whether a Jupyter kernel runs this. That its module is loaded does not say so: any program may load it."""
    kernel = sys.modules.get("ipykernel.kernelapp")
    return kernel is not None and kernel.IPKernelApp.initialized()


class Line:
    """Writes how far work is in one line on standard error, which terminals and notebooks overwrite, and a line that stays
    for each epoch."""

    def __init__(self) -> None:
        self._width = 0
        self._name = ""
        self._start = (0.0, 0)

    def __call__(self, event: Event) -> None:
        kind = event["event"]
        if kind == "epoch":
            self._clear()
            _write(_epoch(event) + "\n")
        elif kind == "note":
            self._clear()
            _write(event["text"] + "\n")
        elif kind in _STEPS:
            self._show(event)

    def _show(self, event: Event) -> None:
        done, total = event["done"], event["total"]
        name = _STEPS[event["event"]] + (f" {event['epoch']}" if "epoch" in event else "")
        if name != self._name:
            self._name, self._start = name, (time.monotonic(), done)
        if done == total:
            self._clear()
            return
        text = f"{name}  {done}/{total}{self._left(done, total)}"
        _write("\r" + text.ljust(self._width))
        self._width = len(text)

    def _left(self, done: int, total: int) -> str:
        start, before = self._start
        took = time.monotonic() - start
        if done == before or took < 0.5:
            return ""
        pace = (done - before) / took
        return f"  {pace:.3g} images/s  {(total - done) / pace:.0f} s left"

    def _clear(self) -> None:
        if self._width:
            _write("\r" + " " * self._width + "\r")
            self._width = 0


def _epoch(event: Event) -> str:
    def number(name: str) -> str:
        value = event.get(name)
        return "unknown" if value is None else f"{value:.4f}"

    return (
        f"epoch {event['epoch']}: loss {number('train_loss')}, accuracy {number('train_accuracy')}; "
        f"validation loss {number('validation_loss')}, accuracy {number('validation_accuracy')}"
    )


def _write(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text)
        sys.stderr.flush()
