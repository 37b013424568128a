"""`--from NS` and `--to NS` of `why`: each side is looked at by a child process that moves into it."""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from loopdiag.model.errors import LoopdiagError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.cli.options import Settings
    from loopdiag.model.report import Report
    from loopdiag.model.side import Side
    from loopdiag.model.unknown import Unknown

Command = TypeVar("Command", bound="Callable[..., Any]")
PATIENCE = 60.0  # seconds for one side
HERE = ("host", ".")  # where loopdiag itself is
_SPELLED = "a name of ip netns, a path, pid:N, container:NAME, or host for here"


def side_options(command: Command) -> Command:
    """Add --from and --to; where one is given, the command itself is not called. To stand below probe_options."""

    @wraps(command)
    def receive(*args: Any, origin: str | None, destination: str | None, **kwargs: Any) -> Any:
        if origin is None and destination is None:
            return command(*args, **kwargs)
        from loopdiag.cli.deliver import deliver

        settings: Settings = kwargs["settings"]
        here, there = ("host" if one is None else one for one in (origin, destination))
        return deliver(_sides(kwargs["target"], here, there, settings), settings)

    for option in (
        click.option("--to", "destination", metavar="NS", help="... and from the namespace where the service is."),
        click.option("--from", "origin", metavar="NS", help=f"See TARGET from this namespace: {_SPELLED} ..."),
    ):
        receive = option(receive)
    return receive  # type: ignore[return-value]


def _sides(text: str, origin: str, destination: str, settings: Settings) -> Report:
    from loopdiag.diagnose.sides import look, together
    from loopdiag.model.target import parse_target

    target = parse_target(text)
    for option, spec in (("--from", origin), ("--to", destination)):
        if not spec.strip():
            raise UsageError(f"{option} names no namespace: it needs {_SPELLED}")
    if target.port is None:
        raise UsageError(f"'{text}' has no port, which --from and --to need: they ask who listens on it")
    asked = partial(look, target, family=settings.family, timeout=settings.timeout)
    there = _in_child(destination, lambda: asked(_called(destination)))
    here = _in_child(origin, lambda: asked(_called(origin), there))
    return together(target, here, there, settings.family)


def _called(spec: str) -> str:
    from loopdiag.model.side import HOST

    return HOST if spec in HERE else spec


def _in_child(spec: str, work: Callable[[], Side]) -> Side:
    """What `work` returns in the namespace that `spec` names. Raises what it raises of LoopdiagError."""
    import pickle

    from loopdiag.cli.child import in_child

    try:
        found = pickle.loads(in_child(lambda: pickle.dumps(_found(spec, work)), PATIENCE))  # noqa: S301 - from our own
    except (EOFError, pickle.UnpicklingError):
        raise LoopdiagError(f"'{spec}' could not be looked at within {PATIENCE:g} s") from None
    if isinstance(found, Exception):
        raise found
    side: Side = found
    return side


def _found(spec: str, work: Callable[[], Side]) -> Side | Exception:
    """A fault is handed to the parent, which has the error boundary."""
    try:
        gaps = _enter(spec)
        return _with(gaps, work())
    except LoopdiagError as fault:
        return fault
    except Exception as fault:  # noqa: BLE001
        return RuntimeError(f"{type(fault).__name__}: {fault}")


def _with(gaps: tuple[Unknown, ...], side: Side) -> Side:
    from dataclasses import replace

    if not gaps or side.report is None:
        return side
    return replace(side, report=replace(side.report, unknown=(*gaps, *side.report.unknown)))


def _enter(spec: str) -> tuple[Unknown, ...]:
    from loopdiag.cli.inside import enter

    kind, colon, name = spec.partition(":")
    if spec in HERE:
        return ()
    if colon and kind == "pid":
        if not name.isdecimal() or not int(name):
            raise UsageError(f"'{spec}' needs the number of a process after pid:")
        return enter(None, int(name))
    if colon and kind == "container":
        return enter(None, None, name)
    return enter(spec, None)
