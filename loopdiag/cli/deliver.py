"""Hand a Report to its format, to stdout or a file, and turn its verdict into the exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from loopdiag.model.errors import UsageError
from loopdiag.model.report import Verdict
from loopdiag.report.formats import Layout, render

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings
    from loopdiag.model.report import Report

EXIT = {Verdict.WORKS: 0, Verdict.DEGRADED: 0, Verdict.BROKEN: 1, Verdict.UNKNOWN: 3}
NAGIOS_EXIT = {Verdict.WORKS: 0, Verdict.DEGRADED: 1, Verdict.BROKEN: 2, Verdict.UNKNOWN: 3}


def deliver(report: Report, settings: Settings, *, streamed: bool = False) -> int:
    """Print `report` as `settings` ask; returns the exit code. `streamed`: its lines were printed as they came."""
    sheet = layout(settings, streamed=streamed)
    if settings.unknown:
        from dataclasses import replace

        report = replace(report, unknown=(*settings.unknown, *report.unknown))
    text = render(report, settings.format, sheet)
    if settings.output:
        write_whole(settings.output, text)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
    if settings.format == "github":
        from loopdiag.cli.github import publish

        publish(report, sheet)
    return exit_code(report, settings)


def exit_code(report: Report, settings: Settings) -> int:
    """What the process returns for this verdict."""
    if settings.format == "nagios":
        return NAGIOS_EXIT[report.verdict]
    if settings.strict and report.verdict is Verdict.DEGRADED:
        return 1
    return EXIT[report.verdict]


def page(report: Report) -> str:
    """The report as people read it, where there is no terminal: 80 columns, no colour."""
    return render(report, "table", Layout())


def layout(settings: Settings, *, streamed: bool = False) -> Layout:
    """How wide and in what colour: a terminal's own width, 80 columns elsewhere."""
    terminal = sys.stdout.isatty() and not settings.output
    width = _terminal_width() if terminal else 80
    return Layout(width=max(40, min(width, 120)), color=_color(settings, terminal), verbose=settings.verbose,
                  quiet=settings.quiet, streamed=streamed, strict=settings.strict)  # fmt: skip


def _terminal_width() -> int:
    """In columns; COLUMNS wins, as for other programs."""
    from shutil import get_terminal_size  # takes 4 ms to load: not where there is no terminal

    return get_terminal_size((80, 24)).columns


def _color(settings: Settings, terminal: bool) -> bool:
    """https://no-color.org and https://force-color.org: set and not empty counts; the flag wins over both."""
    if settings.color is not None:
        return settings.color
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return terminal and os.environ.get("TERM") != "dumb"


def write_whole(path: str, text: str) -> None:
    """Write the file so that a reader sees the old one or the new one, never a half; raises UsageError."""
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - /dev/stderr, a FIFO: written in place
        _write(path, text)
        return
    beside = f"{path}.{os.getpid()}.tmp"
    try:
        _write(beside, text)
        os.replace(beside, path)  # noqa: PTH105
    except OSError as fault:
        raise UsageError(f"cannot write '{path}': {fault.strerror}") from None


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123
            file.write(text)
    except OSError as fault:
        raise UsageError(f"cannot write '{path}': {fault.strerror}") from None
