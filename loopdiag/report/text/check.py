"""The body of `check`: a line for each, and under what does not hold what was expected and what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.report.columns import in_columns
from loopdiag.report.style import milliseconds, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.assertion import Check
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_MARKS = {True: ("good", "ok"), False: ("bad", "FAIL"), None: ("warn", "?")}
_MOST = 200  # lines that hold; what does not is always shown
_NAME = 44  # columns


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """The lines above the verdict."""
    checks: tuple[Check, ...] = report.extra.get("checks", ())
    shown = [one for at, one in enumerate(checks) if at < _MOST or not one.ok]
    lines = in_columns(zip(*(_row(one, style) for one in shown), strict=True))
    for line, one in zip(lines, shown, strict=True):
        yield line.rstrip()
        if not one.ok:
            yield from _explained(one, style, layout)
    if len(shown) < len(checks):
        yield style("dim", f"and {len(checks) - len(shown)} more that hold")


def _row(one: Check, style: Style) -> list[str]:
    role, word = _MARKS[one.ok]
    name = one.name if len(one.name) <= _NAME else f"{one.name[: _NAME - 1]}…"
    return [style(role, word), style("dim", one.kind), style("name", name), milliseconds(one.seconds)]


def _explained(one: Check, style: Style, layout: Layout) -> Iterator[str]:
    cause = f" ({one.cause})" if one.cause else ""
    text = f"{one.target}: {_joined(one.got)}{cause}; expected {_joined(one.expect)}"
    yield from (style("dim", line) for line in paragraph(text, layout.width, "      ").splitlines())


def _joined(value: str | tuple[str, ...]) -> str:
    return ", ".join(value) if isinstance(value, tuple) else value
