"""`loopdiag wait`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

from loopdiag.cli.options import Settings, probe_options
from loopdiag.model.duration import parse_duration
from loopdiag.model.errors import LoopdiagError, UsageError
from loopdiag.model.report import Verdict
from loopdiag.model.statuses import parse_statuses
from loopdiag.model.target import parse_awaited

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.report import Report

INTERRUPTED, TERMINATED = 130, 143  # 128 and the signal's number, as a shell has them
TIMED_OUT = 124  # as timeout(1) has it
_NO_SUCH, _NOT_RUN = 127, 126  # as a shell has them


class _NotStartedError(LoopdiagError):
    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.exit_code = code


class _TerminatedError(BaseException):
    pass


class _Words(click.Command):
    """What stands behind `--` is the command, whatever it looks like."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        for one in self.params:
            if isinstance(one, click.Option) and one.name == "timeout":
                one.help = "Longest wait in all: 500ms, 2s, 1m (60s)."
        return super().get_params(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta["loopdiag.command"] = args[at + 1 :]
        if args[at:] == ["--"]:
            raise click.UsageError("no command stands behind --", ctx)
        return super().parse_args(ctx, args[:at])


@click.command(
    cls=_Words, options_metavar="[OPTIONS]", epilog="Exit codes: 0, or that of COMMAND; 124 timed out (nagios: 2)."
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET... [-- COMMAND...]")
@click.option("--all", "every", is_flag=True, help="Until every target answers (the default).")
@click.option("--any", "any_one", is_flag=True, help="Until one of them answers.")
@click.option("--gone", is_flag=True, help="Until they no longer answer.")
@click.option("--for", "hold", type=parse_duration, metavar="DURATION", help="It must stay so for that long.")
@click.option(
    "--expect-status",
    "status",
    type=parse_statuses,
    metavar="STATUS",
    help="The HTTP statuses that count: 200, 2xx, 200,401 (2xx,3xx).",
)
@click.option(
    "--interval", type=parse_duration, metavar="DURATION", help="From one look to the next (as often as is cheap)."
)
@probe_options
@click.pass_context
def wait(
    ctx: click.Context, targets: tuple[str, ...], every: bool, any_one: bool, gone: bool, hold: float | None,
    status: frozenset[int] | None, interval: float | None, settings: Settings,
) -> int:  # fmt: skip
    """Return as soon as every TARGET answers; when the time is up (--timeout, 60 s), say why not and exit 124.

    TARGET is a host (ICMP), host:port, URL, udp://host:port, tls://host:port, unix:/path or file:/path. A TCP service
    answers when its process has accepted; an HTTP service with a status of 2xx or 3xx; a TLS one with its certificate.
    Each change of state is told on stderr.
    COMMAND runs when ready, in place of loopdiag; no report is printed then.

    \b
    Examples:
      loopdiag wait localhost:5432
      loopdiag wait :3000 http://localhost:8080/health --timeout 2m
      loopdiag wait --any 127.0.0.1:80 127.0.0.1:8080
      loopdiag wait --gone :3000 --timeout 10s
      loopdiag wait --for 500ms unix:/run/app.sock -- ./tests.sh --fast
    """
    if every and any_one:
        raise click.UsageError("--all and --any exclude each other", ctx)
    from loopdiag.cli.progress import Progress
    from loopdiag.diagnose.wait import wait as diagnose
    from loopdiag.model.readiness import TIMEOUT, Wish

    wish = Wish(timeout=settings.timeout or TIMEOUT, any_one=any_one, gone=gone, hold=hold or 0.0, status=status,
                interval=interval, family=settings.family)  # fmt: skip
    if wish.hold > wish.timeout:
        raise UsageError(f"--for {wish.hold:g} s can never be over within --timeout {wish.timeout:g} s")
    wanted = [parse_awaited(one) for one in targets]
    threading.Thread(target=_load, args=(settings.format,), daemon=True).start()
    command: Sequence[str] = ctx.meta["loopdiag.command"]
    progress = Progress(wish.timeout, quiet=settings.quiet)
    try:
        with _ended_by_sigterm(), progress.shown(history=bool(command)):
            report = diagnose(wanted, wish, progress)
    except KeyboardInterrupt:
        return INTERRUPTED
    except _TerminatedError:
        return TERMINATED
    return _finish(report, command, settings)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """As process 1 of a container we would not be: signal(7). What takes our place has the default again."""

    def end(number: int, frame: object) -> NoReturn:
        raise _TerminatedError

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _load(form: str) -> None:
    """What printing needs, while nothing else is to be done."""
    from importlib import import_module

    from loopdiag.report.formats import FORMATS

    for name in ("loopdiag.cli.deliver", FORMATS[form], "loopdiag.report.text.wait"):
        import_module(name)


def _finish(report: Report, command: Sequence[str], settings: Settings) -> int:
    from loopdiag.cli.deliver import deliver

    met = report.verdict is Verdict.WORKS
    if met and command and not settings.output:
        run(command)
    code = deliver(report, settings)
    if met and command:
        run(command)
    return code if met or settings.format == "nagios" else TIMED_OUT


def run(command: Sequence[str]) -> NoReturn:
    """Become `command`, so that its exit code and all signals are its own. Raises LoopdiagError where it cannot be."""
    sys.stdout.flush()
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # which Python ignores, and exec would hand on
    try:
        if os.name == "posix":
            os.execvp(command[0], list(command))
        import subprocess

        sys.exit(subprocess.run(command, check=False).returncode)
    except FileNotFoundError:
        raise _NotStartedError(f"there is no command '{command[0]}'", _NO_SUCH) from None
    except OSError as fault:
        raise _NotStartedError(f"'{command[0]}' cannot be run: {fault.strerror}", _NOT_RUN) from None
