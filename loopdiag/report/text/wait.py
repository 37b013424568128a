"""The body of `wait`: each target with its story, and what was tried where one is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.readiness import Change, Waited
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_MOST = 12  # lines of one story


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """A line for each change, in columns."""
    from tabulate import tabulate

    stories: tuple[Waited, ...] = report.extra.get("waited", ())
    rows = [row for one in stories for row in _rows(one, style)]
    if rows:
        yield tabulate(rows, tablefmt="plain", disable_numparse=True)


def _rows(story: Waited, style: Style) -> Iterator[list[str]]:
    changes = story.history
    if len(changes) > _MOST:
        changes = (*changes[: _MOST // 2], *changes[-_MOST // 2 :])
    name = story.target.input
    for change in changes:
        yield [style("name", name), *_change(change, style)]
        name = ""
    if not changes:
        yield [style("name", name), "", style("warn", story.says)]


def _change(change: Change, style: Style) -> list[str]:
    return [style("dim", f"{change.at:.3f} s"), style("good" if change.ready else "warn", change.says)]
