"""The page of `connect`: one line for each address tried, and under it what its outcome proves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.report.columns import in_columns
from loopdiag.report.style import milliseconds, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """The lines above the verdict."""
    said: list[Mapping[str, str]] = list(report.extra.get("proves", ()))
    rows = [_row(one, style) for one in report.observations]
    for line, proof in zip(in_columns(zip(*rows, strict=True)), said, strict=False):
        yield line.rstrip()
        yield _indented(proof["says"], style, layout)


def _row(one: Observation, style: Style) -> list[str]:
    role = "good" if one.outcome.good else "bad"
    local = one.local.rpartition(":")[0] if one.local else ""
    return [
        style("name", one.to),
        style(role, one.outcome.value),
        one.errno or "",
        milliseconds(one.seconds),
        style("dim", f"from {local}") if local else "",
    ]


def _indented(text: str, style: Style, layout: Layout) -> str:
    return "\n".join(style("dim", line) for line in paragraph(text, layout.width, "    ").splitlines())
