"""One real exchange with one address: what `trace` and `compare` look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.errors import UsageError

if TYPE_CHECKING:
    from loopdiag.model.address import Address
    from loopdiag.model.observation import Observation
    from loopdiag.model.target import Target

# Seconds. The kernel itself answers an echo or a SYN in microseconds; a UDP service needs a moment of its own.
TIMEOUTS = {"icmp": 0.1, "tcp": 0.1, "udp": 0.25}


def exchange(transport: str, address: Address, port: int | None, timeout: float | None = None) -> Observation:
    """One echo, one TCP connection that is closed again, or one datagram; `transport` is icmp, tcp or udp."""
    timeout = timeout or TIMEOUTS[transport]
    if transport == "icmp" or port is None:
        from loopdiag.probes.echo_once import echo_once

        return echo_once(str(address), timeout)
    if transport == "udp":
        from loopdiag.probes.udp import exchange_udp

        return exchange_udp(str(address), port, timeout)
    from loopdiag.diagnose.far_end import far_end
    from loopdiag.probes.tcp import connect_tcp

    return connect_tcp(str(address), port, timeout, far_end=far_end)


def check_network(target: Target, command: str) -> None:
    """Raise UsageError for a target whose bytes cross no network device."""
    if target.transport == "unix":
        raise UsageError(
            f"{command} follows packets, and the bytes of the UNIX socket '{target}' cross no network device"
        )
