"""The formats by name: one file each, loaded on use."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopdiag.model.report import Report

FORMATS = {
    "table": "loopdiag.report.table",
    "json": "loopdiag.report.json",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a format for people needs to know of the page. `verbose` counts the -v, `streamed`: shown live."""

    width: int = 80
    color: bool = False
    verbose: int = 0
    quiet: bool = False
    streamed: bool = False


def render(report: Report, name: str, layout: Layout) -> str:
    """The report in the format `name`, with its final newline."""
    text = import_module(FORMATS[name]).render(report, layout)
    assert isinstance(text, str)
    return text
