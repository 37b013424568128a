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


def render(report: Report, layout: Layout) -> str:
    """One document; ASCII only, so that nothing that came from outside can reach a terminal as an escape."""
    return json.dumps(document(report), indent=2) + "\n"


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
