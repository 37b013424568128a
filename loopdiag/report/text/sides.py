"""What each side of `why --from --to` saw, one below the other in the same columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.report.style import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.report import Report
    from loopdiag.model.side import Side
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style


def sides(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """A table: the namespace, what was tried from it, and how that ended."""
    from tabulate import tabulate

    found: tuple[Side, ...] = report.extra["sides"]
    rows = [row for one in found for row in _rows(one, style)]
    yield tabulate(rows, headers=["from", "to", "", "", ""], tablefmt="simple", disable_numparse=True)


def _rows(side: Side, style: Style) -> Iterator[list[str]]:
    where = style("bold", side.where)
    for one in (*side.observations, *side.tried):
        role = "good" if one.outcome.good else "bad"
        yield [where, style("name", one.to), style(role, one.outcome.value), milliseconds(one.seconds),
               style("dim", one.errno or "")]  # fmt: skip
        where = ""
