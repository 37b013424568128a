"""Durations as people type them: `500ms`, `2s`, `1m`, `1m30s`, plain seconds."""

from __future__ import annotations

import re

from loopdiag.model.errors import UsageError

LONGEST = 86400.0  # seconds
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"\d+(?:\.\d+)?"
_PLAIN = re.compile(rf"{_PART}|\.\d+", re.ASCII)
_WITH_UNITS = re.compile(rf"(?:{_PART}(?:us|ms|s|m|h|d))+", re.ASCII)
_EACH = re.compile(rf"({_PART})(us|ms|s|m|h|d)", re.ASCII)


def parse_duration(text: str, *, least: float = 0.001) -> float:
    """Seconds from `text`; raises UsageError for what is no duration, or outside `least` seconds to a day."""
    typed = text.strip().lower()
    if _PLAIN.fullmatch(typed):
        seconds = float(typed)
    elif _WITH_UNITS.fullmatch(typed):
        seconds = sum(float(count) * _UNITS[unit] for count, unit in _EACH.findall(typed))
    else:
        raise UsageError(f"'{text}' is not a duration: write 500ms, 2s, 1m or a number of seconds")
    if not least <= seconds <= LONGEST:
        raise UsageError(f"'{text}' is out of range: a duration lies between {least:g} s and 24 h here")
    return seconds
