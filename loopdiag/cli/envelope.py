"""The JSON envelope where nothing was diagnosed: of commands that probe nothing, and of those that came to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


def show(command: str, summary: str, extra: Mapping[str, Any], *, good: bool = True, seconds: float = 0.0) -> int:
    """Print the document; returns the exit code, 1 where it is not `good`. `seconds` is how long it took."""
    verdict = "works" if good else "broken"
    click.echo(_document(command, verdict, summary, seconds=seconds, extra=extra), nl=False)
    return 0 if good else 1


def failed(command: str, sentence: str) -> str:
    """The document of a command that came to nothing, with its final newline."""
    from loopdiag.model.unknown import Unknown

    return _document(command, "unknown", sentence, unknown=(Unknown("the answer", sentence),))


def _document(command: str, verdict: str, summary: str, *, seconds: float = 0.0, **more: Any) -> str:
    from datetime import UTC, datetime, timedelta

    from loopdiag.model.report import Report, Verdict
    from loopdiag.report.formats import Layout, render

    report = Report(
        command=command,
        started=datetime.now(UTC) - timedelta(seconds=seconds),
        seconds=seconds,
        target=None,
        verdict=Verdict(verdict),
        summary=summary,
        **more,
    )
    return render(report, "json", Layout())
