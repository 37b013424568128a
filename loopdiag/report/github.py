"""`--format github`: what a step of a GitHub workflow prints, its job summary and its outputs.

The runner takes every line of stdout that begins with `::` for a command, and `##[` anywhere in one for an old form
of it: what came from outside must become neither.
"""

from __future__ import annotations

from html import escape
from re import sub
from typing import TYPE_CHECKING

from loopdiag.model.finding import Severity
from loopdiag.report.rows import Status, one_line, overall, reasons, rows, title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.finding import Finding
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout

COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
MOST = 10  # of a kind: GitHub shows no more of one step
MOST_ROWS = 200  # a summary may have 1 MiB
MARK = {Status.PASSED: "✅", Status.TOLERATED: "⚠️", Status.FAILED: "❌", Status.UNKNOWN: "❔", Status.SKIPPED: "➖"}


def render(report: Report, layout: Layout) -> str:
    """The verdict on a line of its own, and an annotation for each finding."""
    lines = [f"loopdiag {title(report)}: {report.verdict.value}: {report.summary}"]
    return "\n".join([*map(_plain, lines), *_annotations(report)]) + "\n"


def _annotations(report: Report) -> Iterator[str]:
    count = dict.fromkeys(Severity, 0)
    for found in report.findings:
        count[found.severity] += 1
        if count[found.severity] <= MOST:
            message = "\n".join([one_line(found.statement), *reasons(found)])
            name = f"loopdiag: {found.cause} ({found.certainty.value})"
            yield f"::{COMMAND[found.severity]} title={_property(name)}::{_message(message)}"


def _plain(text: str) -> str:
    """A line that is no command."""
    return one_line(text).replace("##[", "# #[")


def _message(text: str) -> str:
    """As @actions/core escapes the data of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace("##[", "# #[")


def _property(text: str) -> str:
    return _message(one_line(text)).replace(":", "%3A").replace(",", "%2C")


def outputs(report: Report) -> dict[str, str]:
    """The step's outputs: one line each. `cause` is empty where nothing was found."""
    return {"verdict": report.verdict.value, "cause": report.findings[0].cause if report.findings else ""}


def summary(report: Report, layout: Layout) -> str:
    """The job summary, in Markdown."""
    mark = MARK[overall(report, layout)]
    blocks = [f"### {mark} {_markdown(title(report))}: {report.verdict.value}", _markdown(report.summary)]
    blocks += [_finding(found) for found in report.findings]
    blocks.append(_table(report, layout))
    if report.unknown:
        blocks.append("\n".join(["Not seen:", "", *(f"- {_markdown(f'{gap.what}: {gap.because}')}"
                                                    for gap in report.unknown)]))  # fmt: skip
    return "\n\n".join(block for block in blocks if block) + "\n\n"


def _finding(found: Finding) -> str:
    head = f"**{found.cause}** ({found.severity.value}, {found.certainty.value}): {_markdown(found.statement)}"
    items = [f"- because {_markdown(f'{piece.source}: {piece.says}')}" for piece in found.evidence]
    for fix in found.fixes:
        items.append(f"- to mend: {_markdown(fix.say)}" + (f": <code>{_markdown(fix.run)}</code>" if fix.run else ""))
    return "\n".join([head, "", *items])


def _table(report: Report, layout: Layout) -> str:
    seen = rows(report, layout)[1:]
    if not seen:
        return ""
    lines = ["| | what | outcome |", "| --- | --- | --- |"]
    for row in seen[:MOST_ROWS]:
        lines.append(f"| {MARK[row.status]} | {_markdown(row.name)} | {_markdown(row.says)} |")
    if len(seen) > MOST_ROWS:
        lines.append(f"| | {len(seen) - MOST_ROWS} more | |")
    return "\n".join(lines)


def _markdown(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    return sub(r"([\\`*_\[\]#!|~@:])", r"\\\1", escape(one_line(text), quote=False))
