"""What the kernel's tracepoints recorded of a probe's packets."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A packet that the kernel threw away (skb:kfree_skb). `reason` is the kernel's name, or None where it gives none.

    `place` is the kernel function that freed it; `at` is seconds since the probe began.
    """

    reason: str | None
    place: str
    at: float
    protocol: str | None = None  # ipv4, ipv6, arp
    device: str | None = None
    task: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step of a packet's way. `packet` is a small number in place of the buffer's address."""

    event: str
    at: float  # seconds since the first event
    says: str
    device: str | None = None
    packet: int | None = None
    context: str | None = None  # process, softirq, ksoftirqd
    task: str | None = None
    cpu: int | None = None
    reason: str | None = None
    place: str | None = None
    protocol: str | None = field(default=None, metadata={"json": False})  # of a drop: ipv4, ipv6, arp
    detail: bool = field(default=False, metadata={"json": False})  # a step that a short story leaves out

    @property
    def drop(self) -> bool:
        """The packet was thrown away here; `reason` may still be None."""
        return self.event == "kfree_skb" and not self.detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Which way the packets of one probe took, and how long each part was.

    `packets` counts the probe's own packets by the device that they were queued on. `taken_in` counts them by who ran
    the softirq that took them in: `sender`, `ksoftirqd`, `other`. `seconds` has `sending` (until a packet is in the
    device's hands), `device`, `queue` (waiting in a CPU's input queue) and `receiving` (protocols, up to the socket),
    each the sum over all packets. `softnet` is what /proc/net/softnet_stat moved, which is everybody's packets.
    """

    packets: Mapping[str, int]
    route_devices: tuple[str, ...]  # what the routing table answered
    taken_in: Mapping[str, int]
    seconds: Mapping[str, float]
    softnet: Mapping[str, int] | None = None  # processed, dropped, squeezed


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A traced probe. `lost` is how many events the kernel had no room for; `missing` tracepoints it does not have."""

    events: tuple[Event, ...]
    crossing: Crossing
    lost: int = 0
    missing: tuple[str, ...] = ()

    @property
    def drops(self) -> tuple[Event, ...]:
        """The steps where a packet was thrown away."""
        return tuple(step for step in self.events if step.drop)
