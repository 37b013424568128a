"""`--format table`: for people. Each command shows its own body; verdict, findings and gaps look alike everywhere."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from loopdiag.report.style import Style
from loopdiag.report.text.findings import findings, gaps, verdict_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout

BODIES = {
    "why": "why",
    "ping": "ping",
    "connect": "connect",
    "resolve": "resolve",
    "route": "route",
    "interfaces": "interfaces",
    "listeners": "listeners",
    "bind-test": "bind_test",
    "doctor": "doctor",
    "trace": "trace",
    "compare": "compare",
    "wait": "wait",
    "check": "check",
}


def render(report: Report, layout: Layout) -> str:
    """The whole page; with `quiet` the verdict line alone."""
    style = Style(layout.color)
    if layout.quiet:
        return verdict_line(report, style, layout) + "\n"
    blocks = [block for block in _blocks(report, style, layout) if block]
    return "\n\n".join(blocks) + "\n"


def _blocks(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    module = BODIES.get(report.command)
    if "sides" in report.extra:  # of --from and --to
        yield "\n".join(import_module("loopdiag.report.text.sides").sides(report, style, layout))
    elif module:
        yield "\n".join(import_module(f"loopdiag.report.text.{module}").body(report, style, layout))
    if "journey" in report.extra and report.command != "trace":  # attached by --trace
        yield "\n".join(import_module("loopdiag.report.text.journey").journey(report, style, layout))
    if "clients" in report.extra:  # attached by --clients
        yield "\n".join(import_module("loopdiag.report.text.clients").clients(report, style, layout))
    yield verdict_line(report, style, layout)
    yield findings(report, style, layout)
    yield gaps(report, style, layout)
