"""Packet and protocol counters, and what a probe added to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

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

    @property
    def stopped_on_their_way_out(self) -> int:
        """Packets that IP was to send and that no device was given, as an output or postrouting hook keeps them.

        Of a difference. OutTransmits is missing from older kernels, and counts what is forwarded too: never too many.
        """
        return sum(
            max(0, self.protocol.get(f"{ip}.OutRequests", 0) - self.protocol[f"{ip}.OutTransmits"])
            for ip in ("Ip", "Ip6")
            if f"{ip}.OutTransmits" in self.protocol
        )

    def stopped_behind(self, loopback: str) -> int:
        """Packets that this device took in and IP did not deliver, as a prerouting or input hook keeps them."""
        delivered = sum(self.protocol.get(f"{ip}.InDelivers", 0) for ip in ("Ip", "Ip6"))
        return max(0, self.sent.get(loopback, 0) - delivered)
