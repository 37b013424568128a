"""`--format json`: the versioned envelope."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopdiag import __version__
from loopdiag.model.report import SCHEMA
from loopdiag.report.data import plain

if TYPE_CHECKING:
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout


DEPTH = 3  # of the document that is laid out in lines: {"facts": {"listeners": [ one line each ]}}


def render(report: Report, layout: Layout) -> str:
    """One document; ASCII only, so that nothing that came from outside can reach a terminal as an escape."""
    return _laid_out(document(report)) + "\n"


def _laid_out(value: Any, depth: int = 0) -> str:
    """Indented down to the single listener, finding or hop, which has a line of its own.

    That is easy to read, to diff and to grep; and `json` writes a whole line 20 times as fast as with its `indent`,
    which a host with 15,000 listeners feels.
    """
    if not value or depth == DEPTH or not isinstance(value, (dict, list)):
        return json.dumps(value)
    if isinstance(value, dict):
        opens, closes = "{", "}"
        parts = [f"{json.dumps(name)}: {_laid_out(part, depth + 1)}" for name, part in value.items()]
    else:
        opens, closes = "[", "]"
        parts = [_laid_out(part, depth + 1) for part in value]
    pad = "  " * (depth + 1)
    return f"{opens}\n{pad}" + f",\n{pad}".join(parts) + f"\n{pad[2:]}{closes}"


def document(report: Report) -> dict[str, Any]:
    """The envelope as plain data."""
    started = report.started.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "schema": SCHEMA,
        "version": __version__,
        "command": report.command,
        "started": started,
        "seconds": report.seconds,
        "target": plain(report.target),
        "verdict": report.verdict.value,
        "summary": report.summary,
        "findings": plain(report.findings),
        "observations": plain(report.observations),
        "facts": {
            name: value for name, value in plain(report.facts).items() if getattr(report.facts, name) is not None
        },
        "unknown": [{"what": gap.what, "because": gap.because} for gap in report.unknown],
        **{name: plain(value) for name, value in report.extra.items()},
    }
