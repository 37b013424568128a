"""`--clients` and `--verify`, for the commands that have them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings
    from loopdiag.model.report import Report

Command = TypeVar("Command", bound=Callable[..., Any])


def client_options(command: Command) -> Command:
    """Add the options; the command receives `clients`, a function that adds the table where it was asked for."""

    @wraps(command)
    def receive(
        *args: Any, clients: bool, client: tuple[str, ...], verify: bool, settings: Settings, **kwargs: Any
    ) -> Any:
        def add(report: Report) -> Report:
            if not (clients or client or verify):
                return report
            from loopdiag.diagnose.clients import with_clients

            return with_clients(report, only=client, verify=verify, timeout=settings.timeout)

        return command(*args, clients=add, settings=settings, **kwargs)

    for option in reversed(_OPTIONS):
        receive = option(receive)
    return receive  # type: ignore[return-value]


_OPTIONS = (
    click.option("--clients", is_flag=True, help="Add what curl, browsers, Node.js, Python, Go, Java, ... make of it."),
    click.option("--client", multiple=True, metavar="NAME", help="Only this client; may be given several times."),
    click.option("--verify", is_flag=True, help="Run those that are installed too: one request each."),
)
