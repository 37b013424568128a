"""The JSON envelope where nothing was diagnosed: of commands that probe nothing, and of those that came to nothing."""

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


def failed(command: str, sentence: str) -> str:
    """The document of a command that came to nothing, with its final newline."""
    from datetime import UTC, datetime

    from loopdiag.model.report import Report, Verdict
    from loopdiag.model.unknown import Unknown
    from loopdiag.report.formats import Layout, render

    report = Report(
        command=command,
        started=datetime.now(UTC),
        seconds=0.0,
        target=None,
        verdict=Verdict.UNKNOWN,
        summary=sentence,
        unknown=(Unknown("the answer", sentence),),
    )
    return render(report, "json", Layout())
