"""Cells in columns, without headers or lines.

Tables with headers are tabulate's. What these few lines do is not left to it, as to load it takes longer than all else
that `why` does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def in_columns(columns: Iterable[Sequence[str]]) -> list[str]:
    """One line for each row; every cell padded to the widest of its column, and two spaces between."""
    padded = map(_padded, columns)
    return list(map("  ".join, zip(*padded, strict=True)))


def _padded(cells: Sequence[str]) -> Sequence[str]:
    if "\x1b" not in "".join(cells):  # thousands of rows are never coloured
        lengths = set(map(len, cells))
        widest = max(lengths, default=0)
        return [cell.ljust(widest) for cell in cells] if len(lengths) > 1 else cells
    widths = [len(_COLOUR.sub("", cell)) for cell in cells]
    widest = max(widths)
    return [cell + " " * (widest - width) for cell, width in zip(cells, widths, strict=True)]
