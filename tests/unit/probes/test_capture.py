"""Times between captured frames: told only where the kernel itself took both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.model.unknown import Unknown
from loopdiag.probes.capture import Frame, time_between

REQUEST = Frame(1_000_000_000, "lo", b"", outgoing=True)
ANSWER = replace(REQUEST, at=1_000_030_000)


def test_between_two_stamps() -> None:
    assert time_between([REQUEST, ANSWER, ANSWER]) == 30e-6


@pytest.mark.parametrize("frames", [[], [REQUEST]])
def test_no_answer(frames: list[Frame]) -> None:
    assert time_between(frames) is None


@pytest.mark.parametrize(
    "frames", [(replace(REQUEST, stamped=False), ANSWER), (REQUEST, replace(ANSWER, stamped=False))]
)
def test_a_moment_of_reading_is_no_stamp(frames: tuple[Frame, ...]) -> None:
    assert isinstance(time_between(frames), Unknown)
