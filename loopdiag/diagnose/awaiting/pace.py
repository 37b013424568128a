"""How often one thread may look without taking more than its share of a core."""

from __future__ import annotations

import time

OFTEN = 0.002  # seconds from one look to the next, where looks are cheap
RARE = 0.1  # seconds that keeping to the share may make of it
SHARE = 0.0185  # of a core, for all targets together
_TOGETHER = 16  # looks whose cost is measured as one


class Pace:
    """For the thread that calls it once a look. What waking up costs is counted: it is half of a cheap look."""

    def __init__(self, share: float = SHARE) -> None:
        self._share = share
        self._looks, self._spent = 0, time.thread_time()
        self._pause = OFTEN

    def pause(self) -> float:
        """Seconds until the next look."""
        self._looks += 1
        if self._looks == _TOGETHER:
            before, self._spent = self._spent, time.thread_time()
            self._pause = min(max(OFTEN, (self._spent - before) / _TOGETHER / self._share), RARE)
            self._looks = 0
        return self._pause
