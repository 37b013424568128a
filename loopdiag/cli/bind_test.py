"""`loopdiag bind-test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopdiag.cli.deliver import deliver
from loopdiag.cli.options import probe_options
from loopdiag.model.errors import UsageError
from loopdiag.model.target import parse_host, split_port

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings
    from loopdiag.model.target import Target


@click.command("bind-test")
@click.argument("address")
@click.option("--port", metavar="N", help="The port to bind; without it, the kernel chooses a free one.")
@click.option("--udp", is_flag=True, help="Bind a UDP socket, and exchange datagrams instead of connecting.")
@click.option(
    "--reuseaddr/--no-reuseaddr",
    default=None,
    help="Whether to fall back on SO_REUSEADDR, as most servers do (TCP only; the default).",
)
@probe_options
def bind_test(address: str, port: str | None, udp: bool, reuseaddr: bool | None, settings: Settings) -> int:
    """Bind ADDRESS, listen, and connect from every local address; or say exactly why binding fails.

    The port is held for as short as possible, and nobody who has it already is disturbed. A connection that is not
    loopdiag's own gets nothing, and is shown.

    \b
    Examples:
      loopdiag bind-test 0.0.0.0
      loopdiag bind-test :: --port 8080
      loopdiag bind-test 127.0.0.1 --port 53 --udp
      loopdiag bind-test 127.0.0.1 --port 8080 --no-reuseaddr
    """
    if udp and reuseaddr:
        raise UsageError("--reuseaddr with --udp would take datagrams from the socket that has the port: leave it out")
    target = _target(address, port, "udp" if udp else "tcp")
    from loopdiag.diagnose import bind_test as diagnosis

    report = diagnosis.bind_test(
        target, family=settings.family, reuseaddr=reuseaddr is not False, timeout=settings.timeout or diagnosis.TIMEOUT
    )
    return deliver(report, settings)


def _target(address: str, port: str | None, scheme: str) -> Target:
    host, attached = split_port(address) if address.startswith("[") or address.count(":") == 1 else (address, None)
    if port is not None and attached is not None:
        raise UsageError(f"'{address}' has a port already: leave out --port {port}")
    return parse_host(host, attached if port is None else port, scheme)
