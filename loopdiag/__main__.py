"""The program: `loopdiag`, or `python -m loopdiag`."""

from __future__ import annotations

import gc
import sys

from loopdiag.cli.head_start import begin

# What is loaded at the start stays, and is no garbage; to look through it again and again takes an eighth of that time.
_OBJECTS = 100_000
_INTERRUPTED = 130  # as cli/main.py has it, which is not loaded yet


def main() -> int:
    """Run the command line of this process; returns the exit code."""
    gc.set_threshold(_OBJECTS)
    try:
        begin(sys.argv[1:])
        from loopdiag.cli.main import main as run
    except KeyboardInterrupt:
        return _INTERRUPTED
    return run()


if __name__ == "__main__":
    sys.exit(main())
