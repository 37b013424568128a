"""Colour and harmless text for a terminal."""

from __future__ import annotations

import re
from textwrap import wrap

_CODES = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1", "name": "36"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Control characters and text-direction overrides written out: what came from outside cannot move the cursor."""
    if text.isprintable():  # nearly always, and quickly seen
        return text
    return _CONTROL.sub(
        lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else f"\\u{ord(found[0]):04x}", text
    )


class Style:
    """Paints words where colour is wanted, and always makes them harmless."""

    def __init__(self, color: bool) -> None:
        self._color = color

    def __call__(self, role: str, text: object) -> str:
        """`text` in the colour of `role`: good, bad, warn, dim, bold, name."""
        safe = harmless(str(text))
        return f"\x1b[{_CODES[role]}m{safe}\x1b[0m" if self._color else safe


def paragraph(text: str, width: int, indent: str = "") -> str:
    """`text` wrapped to `width` columns, every line after `indent`; long words such as paths are kept whole."""
    lines = wrap(harmless(text), width, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
                 break_on_hyphens=False)  # fmt: skip
    return "\n".join(lines)


def milliseconds(seconds: float | None) -> str:
    """A time for people: three significant places of a millisecond, seconds from 1 s on, `-` where not known."""
    if seconds is None:
        return "-"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    value = seconds * 1000
    return f"{value:.3f} ms" if value < 10 else f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"
