"""`--format tap`: the Test Anything Protocol, version 14. A tolerated failure is a TODO, as TAP calls it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from loopdiag.report.rows import Row, Status, one_line, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout


def render(report: Report, layout: Layout) -> str:
    """Version, plan, and a line a row with its YAML block."""
    cases = rows(report, layout)
    lines = ["TAP version 14", f"1..{len(cases)}"]
    for number, row in enumerate(cases, 1):
        lines.append(_point(number, row))
        lines.extend(f"  {line}" for line in ("---", *_diagnostics(row), "..."))
    for gap in report.unknown:
        lines.append(f"# not seen: {one_line(gap.what)}: {one_line(gap.because)}")
    return "\n".join(lines) + "\n"


def _point(number: int, row: Row) -> str:
    """`not ok 1 - why localhost:3000`; what could not be told has not passed."""
    word = "ok" if row.status in (Status.PASSED, Status.SKIPPED) else "not ok"
    directive = {Status.TOLERATED: " # TODO tolerated", Status.SKIPPED: " # SKIP"}.get(row.status, "")
    name = row.name.replace("\\", "\\\\").replace("#", "\\#")
    return f"{word} {number} - {name}{directive}"


def _diagnostics(row: Row) -> Iterator[str]:
    yield f"message: {_quoted(row.says)}"
    if row.seconds is not None:
        yield f"duration_ms: {row.seconds * 1000:.6f}"
    if row.status is Status.PASSED or row.finding is None:
        return
    found = row.finding
    yield f"severity: {found.severity.value}"
    yield f"cause: {found.cause}"
    yield f"certainty: {found.certainty.value}"
    yield f"subject: {_quoted(found.subject)}"
    yield f"statement: {_quoted(found.statement)}"
    yield from _listed("evidence", [f"{piece.source}: {piece.says}" for piece in found.evidence])
    yield from _listed("fixes", [f"{fix.say}: {fix.run}" if fix.run else fix.say for fix in found.fixes])


def _listed(name: str, texts: list[str]) -> Iterator[str]:
    if texts:
        yield f"{name}:"
        yield from (f"  - {_quoted(text)}" for text in texts)


def _quoted(text: str) -> str:
    """A double-quoted scalar: YAML 1.2 reads every JSON string, and the controls that JSON leaves are written out."""
    return json.dumps(one_line(text), ensure_ascii=False)
