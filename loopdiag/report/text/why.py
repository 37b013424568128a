"""The body of `why`: what each attempt got, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.report.columns import in_columns
from loopdiag.report.style import Style, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """A table of the attempts."""
    rows = [_row(one, style) for one in report.observations]
    yield from (line.rstrip() for line in in_columns(zip(*rows, strict=True)))


def _row(one: Observation, style: Style) -> list[str]:
    role = "good" if one.outcome.good else "bad"
    said = one.errno or getattr(one, "gave_up", None) or ""
    return [style("dim", one.kind), style("name", one.to), style(role, one.outcome.value), milliseconds(one.seconds),
            style("dim", said)]  # fmt: skip
