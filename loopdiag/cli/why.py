"""`loopdiag why TARGET`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopdiag.cli.clients import client_options
from loopdiag.cli.deliver import deliver
from loopdiag.cli.options import Settings, probe_options
from loopdiag.cli.sides import side_options
from loopdiag.cli.tracing import pcap_option, trace_option, with_extras

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.model.report import Report


@click.command()
@click.argument("target")
@trace_option
@pcap_option
@probe_options
@client_options
@side_options
def why(target: str, trace: bool, pcap: str | None, settings: Settings, clients: Callable[[Report], Report]) -> int:
    """The root cause, whatever the layer: why TARGET works, or why it does not.

    TARGET is a host, host:port, port, URL or unix:/path. Every address of it is tried as a client would; what the
    sockets saw is explained from the host's own state.

    \b
    Examples:
      loopdiag why localhost:3000
      loopdiag why http://localhost:3000/health
      loopdiag why 127.0.0.1
      loopdiag why udp://127.0.0.1:53
      loopdiag why unix:/run/docker.sock
      loopdiag why localhost:8080 --from host --to container:web
      loopdiag why localhost:3000 --clients
    """
    from loopdiag.diagnose.why import why as diagnose

    report = with_extras(
        lambda: diagnose(target, family=settings.family, timeout=settings.timeout), trace=trace, pcap=pcap
    )
    return deliver(clients(report), settings)
