"""What the packets of a report's probes can be told by, so that a capture holds them and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.probes.ownframes import ICMP, ICMPV6, TCP, UDP, Mark

if TYPE_CHECKING:
    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report

_PROTOCOLS = {"tcp-connect": TCP, "http": TCP, "tls": TCP, "udp": UDP}


def marks_of(report: Report) -> tuple[Mark, ...]:
    """The marks of every probe in the report."""
    return tuple(dict.fromkeys(mark for seen in report.observations if (mark := mark_of(seen))))


def mark_of(seen: Observation) -> Mark | None:
    """What tells the packets of one attempt: its ports, or the echo identifier; None where none can have been sent."""
    identifier = getattr(seen, "identifier", None)
    if seen.kind == "icmp-echo":
        return Mark(ICMPV6 if ":" in seen.address else ICMP, identifier) if identifier is not None else None
    port = (seen.local or "").rpartition(":")[2]
    protocol = _PROTOCOLS.get(seen.kind)
    return Mark(protocol, int(port), seen.port) if protocol and port.isdecimal() and port != "0" else None
