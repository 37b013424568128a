from __future__ import annotations

import pytest

from loopdiag.model.errors import UsageError
from loopdiag.model.statuses import parse_statuses


@pytest.mark.parametrize(
    ("typed", "statuses"),
    [("200", {200}), ("200, 401", {200, 401}), ("204-206", {204, 205, 206}), ("3XX", set(range(300, 400)))],
)
def test_statuses(typed: str, statuses: set[int]) -> None:
    assert parse_statuses(typed) == statuses


@pytest.mark.parametrize("typed", ["", "99", "600", "2x", "200-", "300-200", "200,", "ok", "6xx", "٢٠٠"])
def test_what_is_none(typed: str) -> None:
    with pytest.raises(UsageError, match="is no HTTP status"):
        parse_statuses(typed)
