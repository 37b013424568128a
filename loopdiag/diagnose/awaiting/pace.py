"""How often one thread may look without taking more than its share of a core."""

from __future__ import annotations

import time

OFTEN = 0.002  # seconds from one look to the next, where looks are cheap
RARE = 0.1  # seconds that keeping to the share may make of it
SHARE = 0.018  # of a core, for all targets together
_SMOOTH = 0.2  # the weight of the latest look


class Pace:
    """For the thread that calls it once a look. What waking up costs is counted: it is half of a cheap look."""

    def __init__(self, share: float = SHARE) -> None:
        self._share = share
        self._spent: float | None = None
        self._cost = 0.0

    def pause(self) -> float:
        """Seconds until the next look."""
        now = time.thread_time()
        if self._spent is not None:
            cost = now - self._spent
            self._cost += (cost - self._cost) * (_SMOOTH if self._cost else 1.0)
        self._spent = now
        return min(max(OFTEN, self._cost / self._share), RARE)
