"""The command of the package."""

import os
import subprocess
import sys

import pytest

import headstart
from headstart import __main__ as command
from headstart import _headstart


def run(*arguments, **options):
    words = [sys.executable, "-m", "headstart", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, **options)


def test_it_is_the_whole_command():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"headstart {headstart.__version__}\n")
    assert "demo" in run("--help").stdout
    script = os.path.join(os.path.dirname(sys.executable), "headstart")
    if os.path.exists(script):
        assert subprocess.run([script, "--version"], capture_output=True, text=True).stdout == done.stdout


def test_its_exit_codes_are_the_program_s(tmp_path):
    assert run().returncode == 2
    assert run("no-such").returncode == 2
    done = run("evaluate", tmp_path / "no", tmp_path)
    assert done.returncode == 1 and "error:" in done.stderr


def test_images_are_decoded_in_processes_of_their_own(run_folder, files):
    # One that refuses to start is told of; the answers are those of this process.
    worker = [sys.executable, "-I", "-S", "-c", command._WORKER, _headstart.__file__, "--decode-images-for-another-process"]
    done = subprocess.run(worker, stdin=subprocess.DEVNULL, capture_output=True, env={}, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    predicted = run("predict", run_folder, files[0][0])
    assert predicted.returncode == 0 and files[0][0] in predicted.stdout, predicted.stderr


@pytest.fixture
def run_folder(run_of_session, tmp_path):
    run_of_session.save(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def run_of_session(request):
    return request.getfixturevalue("run")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
def test_ctrl_c_ends_a_command_with_130(pictures, tmp_path):
    import signal
    import time

    words = [sys.executable, "-m", "headstart", "train", str(pictures), "--out", str(tmp_path / "run"), "--cache", str(tmp_path)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # The settings lie in the folder from the first second on, when the command hears of Ctrl-C.
    for _ in range(200):
        if (tmp_path / "run/settings.toml").exists():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_it_starts_without_what_only_the_library_needs():
    code = "import headstart.__main__, sys; print([name for name in ('numpy', 'sklearn', 'scipy', 'PIL') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
