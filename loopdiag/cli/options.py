"""The options that every probing command has, as one decorator and one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from loopdiag.model.duration import parse_duration
from loopdiag.model.value import dataclass
from loopdiag.report.formats import FORMATS

if TYPE_CHECKING:
    from loopdiag.model.unknown import Unknown

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to ask and how to print. `family` is 4, 6 or None; `timeout` is in seconds, None for the command's own."""

    format: str
    output: str | None
    family: int | None
    timeout: float | None
    verbose: int
    quiet: bool
    color: bool | None
    strict: bool
    unknown: tuple[Unknown, ...] = ()  # what could not be taken over from where the question is asked


def probe_options(command: Command) -> Command:
    """Add the common options; the command receives them as one `settings` argument."""

    from functools import wraps

    @wraps(command)
    def receive(
        *args: Any, format_: str, as_json: bool, output: str | None, four: bool, six: bool, timeout: float | None,
        verbose: int, quiet: bool, no_color: bool, strict: bool, netns: str | None, pid: int | None,
        container: str | None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        if four and six:
            raise click.UsageError("-4 and -6 exclude each other")
        unknown: tuple[Unknown, ...] = ()
        if netns is not None or pid is not None or container is not None:
            from loopdiag.cli.inside import enter

            unknown = enter(netns, pid, container)
        settings = Settings(
            format="json" if as_json else format_,
            output=output,
            family=4 if four else 6 if six else None,
            timeout=timeout,
            verbose=verbose,
            quiet=quiet,
            color=False if no_color else None,
            strict=strict,
            unknown=unknown,
        )
        return command(*args, settings=settings, **kwargs)

    for option in reversed(_OPTIONS):
        receive = option(receive)
    return receive  # type: ignore[return-value]


_OPTIONS = (
    click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="table", help="What stdout carries."),
    click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
    click.option("--output", metavar="FILE", help="Write the report to FILE, whole or not at all."),
    click.option("-4", "four", is_flag=True, help="IPv4 only."),
    click.option("-6", "six", is_flag=True, help="IPv6 only."),
    click.option(
        "--timeout", type=parse_duration, metavar="DURATION", help="Longest wait for one answer: 500ms, 2s, 1m."
    ),
    click.option("--netns", metavar="NAME|PATH", help="Ask inside this network namespace (root)."),
    click.option(
        "--pid", type=click.IntRange(1), metavar="PID", help="Ask inside the network namespace of this process."
    ),
    click.option("--container", metavar="NAME|ID", help="Ask inside the network namespace of this container."),
    click.option("-v", "--verbose", count=True, help="Show more: evidence in full, percentiles, socket calls."),
    click.option("-q", "--quiet", is_flag=True, help="Only the verdict."),
    click.option("--no-color", is_flag=True, help="No colours (NO_COLOR and FORCE_COLOR are known too)."),
    click.option("--strict", is_flag=True, help="Exit 1 when degraded."),
)
