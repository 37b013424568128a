"""`loopdiag compare`."""

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
def compare(target: str, pcap: str | None, settings: Settings) -> int:
    """ICMP beside TCP and UDP: sockets, headers, packets and time of each.

    Asks TARGET's first address by a raw and a datagram ICMP socket, a TCP connection and a UDP datagram, captures
    what really went over the interface, and shows every header. Without a port in TARGET a listener of loopdiag's
    own answers for that moment. The capture needs CAP_NET_RAW (root); -v shows every packet, not only the first.

    \b
    Examples:
      loopdiag compare 127.0.0.1
      loopdiag compare localhost:8080
      loopdiag compare -v ::1
    """
    from loopdiag.cli.deliver import deliver
    from loopdiag.cli.tracing import with_capture
    from loopdiag.diagnose.compare import compare as run
    from loopdiag.model.target import parse_target

    wanted = parse_target(target)
    return deliver(with_capture(pcap, lambda: run(wanted, family=settings.family, timeout=settings.timeout)), settings)
