"""`loopdiag trace`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopdiag.cli.options import probe_options
from loopdiag.cli.tracing import pcap_option

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings


@click.command()
@click.argument("target")
@pcap_option
@probe_options
def trace(target: str, pcap: str | None, settings: Settings) -> int:
    """The packet's way through the kernel, step by step, with drop reasons.

    Sends one real probe to TARGET's first address (one echo, one TCP connection that is closed again, one datagram)
    and tells what the kernel's own tracepoints recorded of it. Needs root; without it, it says which right is
    missing and shows what counters tell.

    \b
    Examples:
      loopdiag trace 127.0.0.1
      loopdiag trace localhost:3000
      loopdiag trace udp://127.0.0.1:53
      loopdiag trace --pcap probe.pcap 127.0.0.1:8080
    """
    from loopdiag.cli.deliver import deliver
    from loopdiag.cli.tracing import with_capture
    from loopdiag.diagnose.trace import trace as run
    from loopdiag.model.target import parse_target

    wanted = parse_target(target)
    return deliver(with_capture(pcap, lambda: run(wanted, family=settings.family, timeout=settings.timeout)), settings)
