from __future__ import annotations

import pytest

from loopdiag.model.duration import parse_duration
from loopdiag.model.errors import UsageError


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("500ms", 0.5),
        ("2s", 2.0),
        ("1m", 60.0),
        ("1m30s", 90.0),
        ("3", 3.0),
        ("0.25", 0.25),
        (".5", 0.5),
        (" 1S ", 1.0),
    ],
)
def test_durations(typed: str, seconds: float) -> None:
    assert parse_duration(typed) == pytest.approx(seconds)


@pytest.mark.parametrize("typed", ["", "s", "2 s", "-1", "1x", "nan", "inf", "0", "0s", "25h", "1e3", "٣s", "1ms2"])
def test_what_is_no_duration_is_said_in_one_sentence(typed: str) -> None:
    with pytest.raises(UsageError) as said:
        parse_duration(typed)
    assert "\n" not in str(said.value)
