"""One real exchange with one address: what `trace` and `compare` look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.errors import UsageError

if TYPE_CHECKING:
    from loopdiag.model.address import Address
    from loopdiag.model.observation import Observation
    from loopdiag.model.target import Target

TIMEOUT = 0.15  # seconds: on loopback silence of that length is silence, and the drop was recorded long before


def exchange(transport: str, address: Address, port: int | None, timeout: float = TIMEOUT) -> Observation:
    """One echo, one TCP connection that is closed again, or one datagram; `transport` is icmp, tcp or udp."""
    if transport == "icmp" or port is None:
        from loopdiag.probes.echo_once import echo_once

        return echo_once(str(address), timeout)
    if transport == "udp":
        from loopdiag.probes.udp import exchange_udp

        return exchange_udp(str(address), port, timeout)
    from loopdiag.probes.tcp import connect_tcp

    return connect_tcp(str(address), port, timeout)


def check_network(target: Target, command: str) -> None:
    """Raise UsageError for a target whose bytes cross no network device."""
    if target.transport == "unix":
        raise UsageError(
            f"{command} follows packets, and the bytes of the UNIX socket '{target}' cross no network device"
        )
