"""The end of the program, for which others may be waiting."""

from __future__ import annotations

import os
import sys


def leave(code: int) -> int:
    """`code`; where this process is the program itself, it ends here, without taking the interpreter down first.

    That saves who waits for us some 10 ms; and a thread that is within a TLS handshake must not see OpenSSL taken down
    around it. Raises OSError where the output cannot be written.
    """
    if _is_the_program():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _is_the_program() -> bool:
    """Started as `loopdiag` or `python -m loopdiag`; not called by another program."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None:
        return bool(spec.name == "loopdiag.__main__")
    return os.path.basename(sys.argv[0]) == "loopdiag"  # noqa: PTH119 - pathlib is not loaded for this
