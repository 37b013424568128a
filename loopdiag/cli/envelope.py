"""The JSON envelope for commands that probe nothing: the same keys as a diagnosis, and one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


def show(command: str, summary: str, extra: Mapping[str, Any], *, good: bool = True, seconds: float = 0.0) -> int:
    """Print the document; returns the exit code, 1 where it is not `good`. `seconds` is how long it took."""
    from datetime import UTC, datetime, timedelta

    from loopdiag.model.report import Report, Verdict
    from loopdiag.report.formats import Layout, render

    report = Report(
        command=command,
        started=datetime.now(UTC) - timedelta(seconds=seconds),
        seconds=seconds,
        target=None,
        verdict=Verdict.WORKS if good else Verdict.BROKEN,
        summary=summary,
        extra=extra,
    )
    click.echo(render(report, "json", Layout()), nl=False)
    return 0 if good else 1
