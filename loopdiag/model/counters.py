"""Packet and protocol counters, and what a probe added to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Counters:
    """A snapshot, or a difference of two.

    `received` and `sent` are packets by interface. `protocol` is /proc/net/snmp, snmp6 and netstat flattened as
    `Tcp.InSegs`, `TcpExt.ListenOverflows`, `Icmp6.InMsgs`.
    """

    received: Mapping[str, int]
    sent: Mapping[str, int]
    protocol: Mapping[str, int]

    def since(self, before: Counters) -> Counters:
        """What was added since `before`; protocol counters that did not move are left out."""
        return Counters(
            {name: count - before.received.get(name, 0) for name, count in self.received.items()},
            {name: count - before.sent.get(name, 0) for name, count in self.sent.items()},
            {
                name: count - before.protocol.get(name, 0)
                for name, count in self.protocol.items()
                if count != before.protocol.get(name, 0)
            },
        )
