"""One thread that asks for all targets in turn whether anything is different: it wakes up once for all of them.

Between two rounds the processor's caches forget us, so what a round touches is what it costs: hence few calls.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from loopdiag.diagnose.awaiting.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Rounds(threading.Thread):
    """Each round calls what the targets' threads have left here; who is told of a change looks closer."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="loopdiag-rounds")
        self._asked: dict[threading.Event, Sequence[Callable[[], bool]]] = {}
        self._lock = threading.Lock()  # held during a round
        self._some = threading.Event()
        self._done = False

    def stop(self) -> None:
        """End the thread; it is not waited for."""
        self._done = True
        self._some.set()

    def watch(self, told: threading.Event, unchanged: Sequence[Callable[[], bool]]) -> None:
        """Call all of `unchanged` in each round until one returns False (or raises OSError): then `told` is set."""
        with self._lock:
            self._asked = {**self._asked, told: unchanged}
        self._some.set()

    def leave(self, told: threading.Event) -> None:
        """Call it no more; when this returns, it is not being called."""
        with self._lock:
            self._without(told)

    def run(self) -> None:
        """Until told to stop."""
        pace = Pace()
        while not self._done:
            with self._lock:
                for told, unchanged in self._asked.items():
                    if not _holds(unchanged):
                        self._without(told)
                        told.set()
            if self._asked:
                time.sleep(pace.pause())  # half of what waiting on a lock costs
            else:
                self._wait()

    def _without(self, told: threading.Event) -> None:
        self._asked = {one: unchanged for one, unchanged in self._asked.items() if one is not told}

    def _wait(self) -> None:
        self._some.wait()
        self._some.clear()


def _holds(unchanged: Sequence[Callable[[], bool]]) -> bool:
    try:
        for one in unchanged:
            if not one():
                return False
    except OSError:
        return False
    return True
