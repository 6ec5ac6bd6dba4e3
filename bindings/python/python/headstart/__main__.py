"""The command ``headstart``, also as ``python -m headstart``."""

import signal
import sys

from headstart import _headstart

# What a process that decodes images runs: the compiled part alone, by its path, without the package and without NumPy.
_WORKER = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("_headstart", sys.argv[1])
module = module_from_spec(spec)
spec.loader.exec_module(module)
sys.exit(module.decode_images())
"""


def main() -> int:
    """Runs the command that the program's arguments say and returns its exit code."""
    # Python would only note that Ctrl-C was pressed, and nobody would look.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.executable:
        _headstart.isolate([sys.executable, "-I", "-S", "-c", _WORKER, _headstart.__file__])
    return _headstart.run_command(["headstart", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
