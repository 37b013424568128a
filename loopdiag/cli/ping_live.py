"""Run `ping` and print its lines as they come; the reins are Ctrl-C and Ctrl-\\."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from loopdiag.diagnose.ping import ping
from loopdiag.model.echo import EchoPlan, EchoProblem, EchoReply, EchoSent, EchoSilence, Statistics
from loopdiag.probes.icmp.control import Control
from loopdiag.report.text import ping_lines as lines

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings
    from loopdiag.model.echo import EchoEvent
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target
    from loopdiag.probes.icmp.options import EchoOptions

FLUSH_EVERY = 0.05  # seconds; a flood writes tens of thousands of dots


def run(target: Target, options: EchoOptions, settings: Settings, *, numeric: bool, clock: bool) -> tuple[Report, bool]:
    """The report, and whether its lines were printed already."""
    streamed = settings.format == "table" and not settings.output
    form = lines.Form(numeric=numeric, clock=clock, verbose=settings.verbose > 0, paced=options.flood or options.eager)
    live = Live(form, quiet=settings.quiet, flood=options.flood) if streamed else None
    control = Control(_tell_progress)
    before = _take_signals(control)
    try:
        report = ping(target, options, family=settings.family, watch=live, control=control)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        control.close()
    return report, streamed


def _tell_progress(counts: Statistics) -> None:
    sys.stderr.write(f"\r{lines.progress(counts)}\n")
    sys.stderr.flush()


def _take_signals(control: Control) -> dict[int, Any]:
    """SIGINT ends with statistics (a second one ends at once), SIGQUIT prints them and goes on: ping(8)."""

    def interrupt(number: int, frame: object) -> None:
        if control.stopped:
            raise KeyboardInterrupt
        control.stop()

    wanted: dict[int, Any] = {signal.SIGINT: interrupt}
    if hasattr(signal, "SIGQUIT"):
        wanted[signal.SIGQUIT] = lambda number, frame: control.ask()
    return {number: signal.signal(number, handler) for number, handler in wanted.items()}


class Live:
    """Prints each event of a probe on stdout."""

    def __init__(self, form: lines.Form, *, quiet: bool, flood: bool) -> None:
        self._form, self._quiet, self._flood = form, quiet, flood
        self._plan: EchoPlan | None = None
        self._flushed = 0.0

    def __call__(self, event: EchoEvent) -> None:
        """Print one event."""
        if isinstance(event, EchoPlan):
            self._plan = event
            self._print(*lines.header(event))
        elif isinstance(event, Statistics):
            if self._plan:
                self._print("", *lines.statistics(event, self._plan, self._form), "")
        elif self._quiet:
            return
        elif self._flood:
            self._dots(event)
        else:
            self._line(event)

    def _line(self, event: EchoEvent) -> None:
        assert self._plan
        if isinstance(event, EchoReply):
            self._print(lines.reply(event, self._plan, self._form))
        elif isinstance(event, EchoProblem):
            self._print(lines.problem(event, self._form))
        elif isinstance(event, EchoSilence):
            self._print(lines.silence(event, self._form))

    def _dots(self, event: EchoEvent) -> None:
        """A dot for each request, taken back by its reply: what is left is what is lost."""
        if isinstance(event, EchoSent):
            sys.stdout.write(".")
        elif isinstance(event, EchoProblem):
            sys.stdout.write("\bE" if event.sender else "E")
        elif isinstance(event, EchoReply) and not event.duplicate:
            sys.stdout.write("\bC" if event.bad_checksum else "\b \b")
        now = time.monotonic()
        if now - self._flushed > FLUSH_EVERY:
            self._flushed = now
            sys.stdout.flush()

    def _print(self, *texts: str) -> None:
        sys.stdout.write("".join(f"{text}\n" for text in texts))
        sys.stdout.flush()
