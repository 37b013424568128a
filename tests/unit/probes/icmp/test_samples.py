"""Sums and percentiles of round trips."""

from __future__ import annotations

import statistics

import pytest

from loopdiag.probes.icmp import samples
from loopdiag.probes.icmp.samples import Samples, percentile


def filled(values: list[float]) -> Samples:
    held = Samples()
    for value in values:
        held.add(value)
    return held


def test_against_the_standard_library() -> None:
    values = [0.001 * (1 + (index * 37) % 101) for index in range(500)]
    times = filled(values).times()
    assert times is not None
    assert (times.min, times.max) == (min(values), max(values))
    assert times.avg == pytest.approx(statistics.fmean(values))
    assert times.mdev == pytest.approx(statistics.pstdev(values))


def test_nearest_rank() -> None:
    ordered = [float(value) for value in range(1, 101)]
    assert [percentile(ordered, each) for each in (50, 90, 99, 100)] == [50, 90, 99, 100]
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7.0


def test_none_without_samples() -> None:
    assert Samples().times() is None


def test_very_many_are_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MOST", 64)
    times = filled([float(value) for value in range(10_000)]).times()
    assert times is not None
    assert (times.min, times.max, times.avg) == (0, 9999, 4999.5)
    assert times.p50 == pytest.approx(5000, rel=0.1)
    assert times.p90 == pytest.approx(9000, rel=0.1)
