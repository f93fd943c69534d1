"""pytest as a process of its own."""

from __future__ import annotations

import sys

__all__ = ["PYTEST"]

# It hears Ctrl-C, even where this process was started in the background and does not.
PYTEST = (
    sys.executable,
    "-c",
    (
        "import signal, sys, pytest\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.exit(pytest.main(sys.argv[1:]))"
    ),
)
