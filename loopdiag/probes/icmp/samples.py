"""Round trips summed up: exact sums over all, percentiles over an even selection once there are very many."""

from __future__ import annotations

from array import array
from math import sqrt

from loopdiag.model.echo import Times

MOST = 1 << 17  # samples held, one MiB


class Samples:
    """Seconds, one by one. From MOST on every second one is let go, then every second of those to come, and so on."""

    def __init__(self) -> None:
        self._held = array("d")
        self._stride = self._count = 0
        self._stride = 1
        self._sum = self._squares = self._ewma = 0.0
        self._min, self.max = float("inf"), 0.0

    def add(self, seconds: float) -> None:
        """Take one in."""
        if self._count % self._stride == 0:
            self._held.append(seconds)
            if len(self._held) >= MOST:
                self._held = self._held[::2]
                self._stride *= 2
        self._ewma = self._ewma + (seconds - self._ewma) / 8 if self._count else seconds
        self._count += 1
        self._sum += seconds
        self._squares += seconds * seconds
        self._min, self.max = min(self._min, seconds), max(self.max, seconds)

    @property
    def ewma(self) -> float:
        """The moving average, an eighth of it the latest: what RFC 6298 calls the smoothed round trip time."""
        return self._ewma

    def times(self) -> Times | None:
        """The summary; None where there is no sample."""
        if not self._count:
            return None
        average = self._sum / self._count
        ordered = sorted(self._held)
        return Times(
            min=self._min, avg=average, max=self.max, ewma=self._ewma,
            mdev=sqrt(max(0.0, self._squares / self._count - average * average)),
            p50=percentile(ordered, 50), p90=percentile(ordered, 90), p99=percentile(ordered, 99),
        )  # fmt: skip


def percentile(ordered: list[float], percent: int) -> float:
    """The nearest-rank percentile: the least value that at least `percent` % of all do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
