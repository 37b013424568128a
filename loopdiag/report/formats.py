"""The formats by name: one file each, loaded on use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.report import Report

FORMATS = {
    "table": "loopdiag.report.table",
    "json": "loopdiag.report.json",
    "junit": "loopdiag.report.junit",
    "github": "loopdiag.report.github",
    "nagios": "loopdiag.report.nagios",
    "prometheus": "loopdiag.report.prometheus",
    "tap": "loopdiag.report.tap",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a format needs to know of the page. `verbose` counts the -v, `streamed`: shown live.

    `strict`: degraded counts as failed.
    """

    width: int = 80
    color: bool = False
    verbose: int = 0
    quiet: bool = False
    streamed: bool = False
    strict: bool = False


def render(report: Report, name: str, layout: Layout) -> str:
    """The report in the format `name`, with its final newline."""
    text = import_module(FORMATS[name]).render(report, layout)
    assert isinstance(text, str)
    return text
