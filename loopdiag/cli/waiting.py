"""A line on stderr while nothing answers, on a terminal only, gone again before anything else is printed."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

AFTER = 0.3  # seconds: what is quicker needs no line
_ERASE = "\r\x1b[K"


@contextmanager
def waiting(seconds: float) -> Iterator[None]:
    """Tell, after a moment, that an answer is waited for, and for how long at most."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(done, seconds), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(done: threading.Event, seconds: float) -> None:
    if done.wait(AFTER):
        return
    left = seconds - AFTER
    while not done.is_set() and left > 0:
        sys.stderr.write(f"{_ERASE}no answer yet, waiting up to {left:.1f} s more")
        sys.stderr.flush()
        done.wait(min(0.5, left))
        left -= 0.5
    done.wait()
    sys.stderr.write(_ERASE)
    sys.stderr.flush()
