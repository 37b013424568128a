"""What the kernel's tracepoints recorded of a probe's packets."""

from __future__ import annotations

from dataclasses import dataclass


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
