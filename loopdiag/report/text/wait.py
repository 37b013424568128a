"""The body of `wait`: each target with its story, and what was tried where one is missing.

Its few columns are laid out here: who waits for us must not wait for tabulate to be loaded and unloaded again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.report.style import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.readiness import Waited
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_MOST = 12  # lines of one story


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """A line for each change, in columns."""
    stories: tuple[Waited, ...] = report.extra.get("waited", ())
    wide = max((len(harmless(one.target.input)) for one in stories), default=0)
    for one in stories:
        yield from _lines(one, wide, style)


def _lines(story: Waited, wide: int, style: Style) -> Iterator[str]:
    changes = story.history
    if len(changes) > _MOST:
        changes = (*changes[: _MOST // 2], *changes[-_MOST // 2 :])
    name = style("name", story.target.input) + " " * (wide - len(harmless(story.target.input)))
    for change in changes:
        says = style("good" if change.ready else "warn", change.says)
        yield f"{name}  {style('dim', f'{change.at:.3f} s')}  {says}"
        name = " " * wide
    if not changes:
        yield f"{name}  {style('warn', story.says)}"
