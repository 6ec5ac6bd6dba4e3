"""Long work: other threads go on, Ctrl-C stops it, forked processes have threads of their own."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import QUICK

import headstart


def interrupt(work):
    """Runs `work`, presses Ctrl-C after half a second and returns how long it then still took."""
    pressed = []

    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.5, press)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        timer.cancel()
    return time.monotonic() - pressed[0]


def test_ctrl_c_stops_a_training(pictures, tmp_path):
    # At the net's own size, without anything in the cache, it would take much longer.
    work = lambda: headstart.train(pictures, epochs=1000, cache=tmp_path, settings={"patience": 1000})  # noqa: E731
    assert interrupt(work) < 10


def test_ctrl_c_stops_features_and_answers(model):
    random = np.random.default_rng(2)
    many = np.broadcast_to(random.integers(0, 256, (1, 64, 64, 3), dtype=np.uint8), (100_000, 64, 64, 3))
    assert interrupt(lambda: headstart.HeadstartFeatures().transform(many)) < 5
    assert interrupt(lambda: model.classify_all(many)) < 5


def test_what_a_listener_raises_stops_the_work(pictures):
    def listen(event):
        if event["event"] == "epoch":
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        headstart.train(pictures, **QUICK, progress=listen)


def test_other_threads_run_meanwhile(pictures, tmp_path):
    counted = 0
    done = threading.Event()

    def count():
        nonlocal counted
        while not done.wait(0.005):
            counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    start = time.monotonic()
    headstart.train(pictures, **QUICK, cache=tmp_path)
    took = time.monotonic() - start
    done.set()
    thread.join()
    assert counted > took / 0.005 / 10


def test_several_threads_may_classify_at_once(model, files):
    alone = model.classify_all(files[0][:8])
    found = [None] * 4

    def classify(place):
        found[place] = model.classify_all(files[0][:8])

    threads = [threading.Thread(target=classify, args=(place,)) for place in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found == [alone] * 4


def test_the_listener_hears_of_every_epoch(pictures):
    events = []
    run = headstart.train(pictures, **QUICK, progress=events.append)
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [event["train_loss"] for event in epochs] == [record["train_loss"] for record in run.history]
    assert {"note", "features"} <= {event["event"] for event in events}


def test_the_line_is_shown_where_it_is_asked_for(pictures, capsys):
    headstart.train(pictures, **QUICK, epochs=1, progress=True)
    shown = capsys.readouterr()
    assert "epoch 1: loss " in shown.err and shown.out == ""
    headstart.train(pictures, **QUICK, epochs=1)
    assert capsys.readouterr().err == ""


def test_doubts_are_python_s_warnings(pictures, tmp_path, files):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    paths, labels = files
    with pytest.warns(headstart.HeadstartWarning, match="set aside: .*broken.png"):
        run = headstart.train([*paths, str(broken)], [*labels, "left"], **QUICK)
    assert [path.endswith("broken.png") for path, _ in run.set_aside] == [True]


def classify_in_child(model, paths, results):
    results.put(([answer["score_left"] for answer in model.classify_all(paths)], headstart.number_of_threads()))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_process_computes_the_same(model, files, method):
    paths = files[0][:4]
    expected = [answer["score_left"] for answer in model.classify_all(paths)]
    context = multiprocessing.get_context(method)
    results = context.Queue()
    child = context.Process(target=classify_in_child, args=(model, paths, results))
    child.start()
    scores, threads = results.get(timeout=60)
    child.join(timeout=60)
    assert child.exitcode == 0
    assert scores == expected and threads == headstart.number_of_threads()


def test_the_environment_says_how_many_threads():
    code = "import headstart; print(headstart.number_of_threads())"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "RAYON_NUM_THREADS": "3"}, capture_output=True, text=True
    )
    assert done.stdout == "3\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not tell")
def test_no_thread_is_bound_to_a_processor(model, files):
    model.classify(files[0][0])
    allowed = os.sched_getaffinity(0)
    assert all(os.sched_getaffinity(int(thread)) == allowed for thread in os.listdir("/proc/self/task"))
