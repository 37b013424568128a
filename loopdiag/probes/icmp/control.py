"""The reins of a running probe: stop it, or ask for the counts so far, from a signal handler."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopdiag.model.echo import Statistics


class Control:
    """Both calls wake a probe that sleeps; both may be made from a signal handler. Close it after use."""

    def __init__(self, tell: Callable[[Statistics], None] | None = None) -> None:
        self.stopped = self.asked = False
        self._tell = tell
        self._reading: int | None = None
        self._writing: int | None = None
        if tell:
            self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    @property
    def descriptors(self) -> Sequence[int]:
        """What to wait on beside the socket."""
        return () if self._reading is None else (self._reading,)

    def stop(self) -> None:
        """End the run: no more requests, no more waiting."""
        self.stopped = True
        self._wake()

    def ask(self) -> None:
        """Have the counts so far told."""
        self.asked = True
        self._wake()

    def _wake(self) -> None:
        if self._writing is not None:
            with contextlib.suppress(OSError):
                os.write(self._writing, b"!")

    def answer(self, counts: Statistics) -> None:
        """Called by the probe when it has been asked."""
        self.asked = False
        if self._reading is not None:
            with contextlib.suppress(OSError):
                os.read(self._reading, 4096)
        if self._tell:
            self._tell(counts)

    def close(self) -> None:
        """Give the descriptors back."""
        for handle in (self._reading, self._writing):
            if handle is not None:
                os.close(handle)
        self._reading = self._writing = None
