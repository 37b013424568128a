"""What `wait` tells on stderr meanwhile: one live line on a terminal, elsewhere one line for each change."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loopdiag.report.style import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.readiness import Change

_ERASE = "\r\x1b[K"
_EVERY = 0.1  # seconds


class Progress:
    """Called with each change, from any thread. `seconds` is the time-out."""

    def __init__(self, seconds: float, *, quiet: bool) -> None:
        self._seconds, self._quiet = seconds, quiet
        self._live = not quiet and sys.stderr.isatty()
        self._began = time.monotonic()
        self._now: dict[str, str] = {}
        self._told: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, change: Change) -> None:
        """Take it in; print it where there is no live line."""
        line = f"{change.at:8.3f} s  {harmless(change.target)}  {harmless(change.says)}"
        with self._lock:
            self._now[change.target] = "" if change.ready else change.says
            self._told.append(line)
            if not self._quiet and not self._live:
                print(line, file=sys.stderr, flush=True)  # noqa: T201

    @contextmanager
    def shown(self, *, history: bool) -> Iterator[None]:
        """Keep the live line up meanwhile; with `history`, the lines that it stood for are printed when it ends."""
        if not self._live:
            yield
            return
        done = threading.Event()
        painter = threading.Thread(target=self._paint, args=(done,), daemon=True)
        painter.start()
        try:
            yield
        finally:
            done.set()
            painter.join()
            sys.stderr.write(_ERASE + ("".join(f"{line}\n" for line in self._told) if history else ""))
            sys.stderr.flush()

    def _paint(self, done: threading.Event) -> None:
        from shutil import get_terminal_size

        while not done.wait(_EVERY):
            with self._lock:
                waiting = ", ".join(f"{target} {says}" for target, says in self._now.items() if says)
            line = harmless(f"{time.monotonic() - self._began:.1f} of {self._seconds:g} s  {waiting}")
            sys.stderr.write(_ERASE + line[: get_terminal_size((80, 24)).columns - 1])
            sys.stderr.flush()
