"""`loopdiag connect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopdiag.cli.options import probe_options
from loopdiag.cli.tracing import pcap_option, trace_option
from loopdiag.model.errors import UsageError
from loopdiag.model.target import parse_host, parse_port, parse_target, split_port

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings
    from loopdiag.model.target import Target


@click.command()
@click.argument("host", metavar="HOST[:PORT]")
@click.argument("port", required=False, metavar="[PORT]")
@click.option("--udp", is_flag=True, help="Send one datagram, and see whether it is answered, refused or neither.")
@trace_option
@pcap_option
@probe_options
def connect(host: str, port: str | None, udp: bool, trace: bool, pcap: str | None, settings: Settings) -> int:
    """TCP (or UDP) to every address of HOST in the resolver's order, each with its outcome.

    Under each address stands what the outcome proves, and which process listens there. An address that does not
    answer is waited for 1.5 seconds (1 with --udp), or as long as --timeout says; less where the kernel is seen to drop
    the packet.

    \b
    Examples:
      loopdiag connect localhost 3000
      loopdiag connect [::1]:8080
      loopdiag connect --udp 127.0.0.1:53
      loopdiag connect 0.0.0.0 8080
      loopdiag connect unix:/run/docker.sock
    """
    target = read_target(host, port, udp=udp)
    from loopdiag.cli.deliver import deliver
    from loopdiag.cli.tracing import with_extras
    from loopdiag.cli.waiting import waiting
    from loopdiag.diagnose import connect as diagnosis

    with waiting(settings.timeout or diagnosis.TIMEOUT[target.transport]):
        report = with_extras(
            lambda: diagnosis.connect(target, family=settings.family, timeout=settings.timeout), trace=trace, pcap=pcap
        )
    return deliver(report, settings)


def read_target(host: str, port: str | None, *, udp: bool) -> Target:
    """HOST PORT, HOST:PORT, or any other TARGET that has a port or a path; raises UsageError."""
    scheme = "udp" if udp else "tcp"
    if port is not None:
        if _has_port(host):
            raise UsageError(f"'{host}' has a port already: leave out {port}")
        return parse_host(host, parse_port(port), scheme)
    if "://" in host or host.startswith("unix:"):
        target = parse_target(host)
        if udp and target.transport != "udp":
            raise UsageError(f"--udp does not go with '{host}'")
    else:
        typed = parse_target(host)
        target = parse_host(typed.host or "", typed.port, scheme)
    if target.transport == "icmp" or (target.port is None and target.path is None):
        raise UsageError(f"connect needs a port, as in: loopdiag connect {host} 8080")
    return target


def _has_port(host: str) -> bool:
    if "://" in host:
        return True
    return split_port(host)[1] is not None
