"""Where a packet is on its way, and what the host knows of it there: what matches look at."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from loopdiag.explain.packetfilter.symbols import CT_STATES, PROTOCOLS
from loopdiag.explain.packetfilter.values import ABSENT, ANY_PORT, Span, Value, exactly
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopdiag.model.packetfilter import Packet, QueueReader


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the evaluation needs of the host beside its ruleset. None stands for what could not be read."""

    addresses: frozenset[str] | None = None  # this host's own
    devices: Mapping[str, int] = field(default_factory=dict)  # index by name
    queues: tuple[QueueReader, ...] | None = ()
    mark_rules: bool | None = False  # a policy rule looks at the packet's mark
    masquerade: str | None = None  # the IPv4 address that masquerading on lo would use; "" where there is none


@dataclass(slots=True, kw_only=True)
class Connection:
    """A connection as conntrack sees it. `original` is its first packet as it was sent."""

    original: Packet
    source: tuple[str, int | None] | None = None  # after snat, as the server sees it
    destination: tuple[str, int | None] | None = None  # after dnat, where it really goes
    untracked: bool = False
    mark: int | None = 0


@dataclass(slots=True, kw_only=True)
class Place:
    """One packet at one hook. `input` and `output` are device names: "" for none, None where it cannot be known."""

    packet: Packet
    connection: Connection
    world: World
    sets: Mapping[tuple[str, str, str], Any]
    changing: frozenset[tuple[str, str, str]] = frozenset()  # sets that rules add to while packets pass
    hook: str = "output"
    input: str | None = ""
    output: str | None = "lo"
    tracked: bool = False  # it has met conntrack

    def port(self, name: str) -> Value:
        """`source_port` or `destination_port` of a packet that has ports."""
        if name in self.packet.unknown:
            return ANY_PORT
        number = getattr(self.packet, name)
        if number is None:
            return Span(1024, 65535) if name == "source_port" and not self.packet.answer else ANY_PORT
        return exactly(number)

    def address(self, name: str) -> Value:
        """`source` or `destination` as a number."""
        return None if name in self.packet.unknown else address_number(getattr(self.packet, name))

    def number(self, name: str) -> Value:
        """Another field of the packet that is a number; ABSENT where the packet has none."""
        if name in self.packet.unknown:
            return None
        value = getattr(self.packet, name)
        return ABSENT if value is None else exactly(value)

    @property
    def protocol(self) -> int:
        return PROTOCOLS[self.packet.protocol]

    @property
    def state(self) -> Value:
        """The bit of the connection's state; before conntrack a packet counts as invalid."""
        if not self.tracked:
            return exactly(CT_STATES["invalid"])
        if self.connection.untracked:
            return exactly(CT_STATES["untracked"])
        return None if "state" in self.packet.unknown else exactly(CT_STATES[self.packet.state])

    @property
    def owner_known(self) -> bool:
        """The packet carries its sending socket only until it leaves the device."""
        return self.hook in ("output", "postrouting", "egress")

    def address_type(self, name: str) -> Value:
        """The route type of `source` or `destination`: 2 local, 3 broadcast, 5 multicast, 1 unicast."""
        if name in self.packet.unknown:
            return None
        text = getattr(self.packet, name)
        if text.startswith("127.") or text == "::1" or (self.world.addresses and text in self.world.addresses):
            return exactly(2)
        if text == "255.255.255.255":
            return exactly(3)
        if text.startswith("ff") or (":" not in text and 224 <= int(text.split(".")[0]) <= 239):
            return exactly(5)
        return None if self.world.addresses is None else exactly(1)


def address_number(text: str) -> Span | None:
    """An address as a number; None where it is none."""
    from socket import AF_INET, AF_INET6, inet_pton

    try:
        return exactly(int.from_bytes(inet_pton(AF_INET6 if ":" in text else AF_INET, text.partition("%")[0]), "big"))
    except OSError:
        return None
