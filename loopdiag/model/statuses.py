"""HTTP statuses as people type them: `200`, `2xx`, `200-299`, `200,401`."""

from __future__ import annotations

import re

from loopdiag.model.errors import UsageError

_ONE = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?", re.ASCII | re.IGNORECASE)


def parse_statuses(text: str) -> frozenset[int]:
    """The statuses that `text` stands for; raises UsageError where it stands for none."""
    return frozenset(status for part in text.split(",") for status in _range(part.strip(), text))


def _range(part: str, text: str) -> range:
    found = _ONE.fullmatch(part)
    if not found:
        raise UsageError(f"'{text}' is no HTTP status: write 200, 2xx, 200-299 or 200,401")
    hundred, first, last = found.groups()
    if hundred:
        return range(int(hundred) * 100, int(hundred) * 100 + 100)
    counted = range(int(first), int(last or first) + 1)
    if not counted:
        raise UsageError(f"'{text}' is no HTTP status: {first} is above {last}")
    return counted
