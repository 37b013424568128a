"""The page of `doctor`: one line a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.checkup import State
from loopdiag.report.style import paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

MARKS = {
    State.PASSED: ("good", "✓"),
    State.WARNED: ("warn", "!"),
    State.FAILED: ("bad", "✗"),
    State.SKIPPED: ("dim", "-"),
}


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """The checklist; what was not asked for is left out."""
    results = [one for one in report.extra["checkup"] if one.says != "not asked for"]
    wide = max((len(one.name) for one in results), default=0)
    for one in results:
        role, mark = MARKS[one.state]
        indent = " " * (wide + 4)
        said = paragraph(one.says, layout.width, indent)[len(indent) :]
        name = style("bold" if one.state is not State.SKIPPED else "dim", one.name.ljust(wide))
        yield f"{style(role, mark)} {name}  {said}"
