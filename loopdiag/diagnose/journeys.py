"""Trace one probe, or attach the journey of one to the report of another command (`--trace`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.diagnose.ending import ending
from loopdiag.diagnose.oneprobe import exchange
from loopdiag.host.read import read
from loopdiag.model.address import parse_address
from loopdiag.model.journey import Drop, Journey
from loopdiag.model.unknown import Unknown
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopdiag.model.address import Address
    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report


@dataclass(frozen=True, slots=True)
class Traced:
    """One exchange with the kernel's record of it, or why there is none."""

    seen: Observation
    journey: Journey | Unknown

    @property
    def drops(self) -> tuple[Drop, ...] | Unknown:
        """The topic `drops`."""
        if isinstance(self.journey, Unknown):
            return self.journey
        return tuple(
            Drop(
                reason=step.reason,
                place=step.place or "",
                at=step.at,
                protocol=step.protocol,
                device=step.device,
                task=step.task,
            )
            for step in self.journey.drops
        )

    @property
    def extra(self) -> Mapping[str, Any]:
        """The report's own keys of a journey; empty where nothing was traced."""
        if isinstance(self.journey, Unknown):
            return {}
        return {
            "journey": self.journey.events,
            "ending": ending(self.journey, self.seen),
            "crossing": self.journey.crossing,
            "lost_events": self.journey.lost,
            "missing_tracepoints": self.journey.missing,
        }


def traced(transport: str, address: Address, port: int | None, timeout: float | None = None) -> Traced:
    """One exchange under trace; without the right to trace, the exchange alone."""
    done: list[Observation] = []

    def send() -> None:
        done.append(exchange(transport, address, port, timeout))

    journey = read("journey", send)
    if not done:
        send()
    return Traced(done[0], journey)


def with_journey(report: Report) -> Report:
    """The report of `why`, `ping` or `connect` with the journey of one more probe of the same kind.

    The probe goes to the first address that the report saw fail, else to the first one.
    """
    network = [seen for seen in report.observations if seen.kind in _TRANSPORTS]
    if not network:
        gap = Unknown("the kernel's trace of this probe", "no address was probed, so there was nothing to trace")
        return replace(report, unknown=(*report.unknown, gap))
    seen = next((one for one in network if not one.outcome.good), network[0])
    address = parse_address(seen.address)
    assert address is not None, seen
    done = traced(_TRANSPORTS[seen.kind], address, seen.port)
    if isinstance(done.journey, Unknown):
        return replace(report, unknown=(*report.unknown, done.journey))
    return replace(report, extra={**report.extra, **done.extra})


_TRANSPORTS = {"tcp-connect": "tcp", "http": "tcp", "tls": "tcp", "udp": "udp", "icmp-echo": "icmp"}
