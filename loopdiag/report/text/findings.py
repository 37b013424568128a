"""What every page has: the verdict, the findings with their evidence and fixes, and what could not be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.finding import Severity
from loopdiag.model.report import Verdict
from loopdiag.report.style import harmless, paragraph

if TYPE_CHECKING:
    from loopdiag.model.finding import Finding
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

ROLE = {
    Verdict.WORKS: "good", Verdict.DEGRADED: "warn", Verdict.BROKEN: "bad", Verdict.UNKNOWN: "warn",
    Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.NOTE: "dim",
}  # fmt: skip


def verdict_line(report: Report, style: Style, layout: Layout) -> str:
    """`broken: one sentence`; wrapped, but in one line where it is all that is shown."""
    word = report.verdict.value
    said = f"{word}: {report.summary}"
    text = harmless(" ".join(said.split())) if layout.quiet else paragraph(said, layout.width)
    return style(ROLE[report.verdict], word) + text[len(word) :]


def findings(report: Report, style: Style, layout: Layout) -> str:
    """Each finding: its cause, the statement where the summary does not say it already, evidence, fixes."""
    return "\n\n".join(_finding(found, style, layout, repeated=found.statement == report.summary)
                       for found in report.findings)  # fmt: skip


def _finding(found: Finding, style: Style, layout: Layout, *, repeated: bool) -> str:
    role = ROLE[found.severity]
    lines = [f"{style(role, found.severity.value)} {style('bold', found.cause)} ({found.certainty.value})"
             f" {style('dim', found.subject)}"]  # fmt: skip
    if not repeated:
        lines.append(paragraph(found.statement, layout.width, "  "))
    shown = found.evidence if layout.verbose else found.evidence[:4]
    for piece in shown:
        lines.append(_hanging("  because ", f"{piece.source}: {piece.says}", layout.width))
    if len(shown) < len(found.evidence):
        lines.append(style("dim", f"          ({len(found.evidence) - len(shown)} more with -v)"))
    for fix in found.fixes:
        lines.append(_hanging("  to mend ", fix.say, layout.width))
        if fix.run:
            lines.append(style("name", f"            {fix.run}"))
    return "\n".join(lines)


def _hanging(label: str, text: str, width: int) -> str:
    return label + paragraph(text, width, " " * len(label))[len(label) :]


def gaps(report: Report, style: Style, layout: Layout) -> str:
    """What could not be seen, and what would settle it."""
    if not report.unknown:
        return ""
    lines = [_hanging("  ", f"{harmless(gap.what)}: {gap.because}", layout.width) for gap in report.unknown]
    return "\n".join([style("warn", "not seen"), *lines])
