"""The left-hand sides of nft's JSON: what a rule reads from a packet, its connection or its surroundings. nft(8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.explain.packetfilter import nft_surroundings
from loopdiag.explain.packetfilter.nft_values import ADDRESSES, Kinds, element, looked_up
from loopdiag.explain.packetfilter.symbols import TCP_FLAGS
from loopdiag.explain.packetfilter.values import ABSENT, Span, Value, exactly

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.explain.packetfilter.place import Place

Table = tuple[str, str]  # family and name of the table that the rule stands in
Field = tuple[Value, Kinds]
UNKNOWN: Field = (None, ("number",))

PORTS = {"sport": "source_port", "dport": "destination_port"}
ENDS = {"saddr": "source", "daddr": "destination"}


def read_field(expression: Any, place: Place, table: Table) -> Field:
    """The value of an expression at this place, and of what kind it is."""
    if not isinstance(expression, dict) or not expression:
        value = element(expression, ("number",), place)
        return value, ("number",)
    word, inside = next(iter(expression.items()))
    if word == "concat":
        return _concat(inside, place, table)
    if word in ("&", "|", "^", "<<", ">>"):
        return _computed(word, inside, place, table)
    if word == "payload":
        return _payload(inside, place)
    if word == "map":
        return _mapped(inside, place, table)
    reader = nft_surroundings.READERS.get(word)
    return reader(inside, place) if reader else UNKNOWN


def _concat(parts: list[Any], place: Place, table: Table) -> Field:
    fields = [read_field(part, place, table) for part in parts]
    kinds = tuple(kinds[0] for _, kinds in fields)
    if any(value is ABSENT for value, _ in fields):
        return ABSENT, kinds
    return tuple(value for value, _ in fields), kinds


def _computed(operator: str, sides: Any, place: Place, table: Table) -> Field:
    """Bit operations; newer nft may list more than two operands."""
    value, kinds = read_field(sides[0], place, table)
    for side in sides[1:]:
        if value is ABSENT:
            break
        other = element(side, kinds, place)
        if other is None and isinstance(side, dict):
            other = read_field(side, place, table)[0]
        if operator == "&" and isinstance(other, Span) and other.exact and other.low == 0:
            value = exactly(0)
        elif not isinstance(value, Span) or not isinstance(other, Span) or not (value.exact and other.exact):
            value = None
        else:
            value = exactly(_operate(operator, value.low, other.low))
    return value, kinds


def _operate(operator: str, left: int, right: int) -> int:
    operators: dict[str, Callable[[int, int], int]] = {
        "&": int.__and__, "|": int.__or__, "^": int.__xor__, "<<": int.__lshift__, ">>": int.__rshift__,
    }  # fmt: skip
    return operators[operator](left, right)


def _mapped(inside: Any, place: Place, table: Table) -> Field:
    """What a map gives for its key, where that is one certain constant."""
    value, kinds = read_field(inside["key"], place, table)
    found = list(looked_up(value, inside["data"], kinds, place, table))
    if len(found) == 1 and found[0][1]:
        return element(found[0][0], ("number",), place), ("number",)
    return UNKNOWN if found else (ABSENT, ("number",))


def _payload(inside: Any, place: Place) -> Field:
    protocol, name = inside.get("protocol"), inside.get("field")
    packet = place.packet
    if protocol is None:
        return _raw(inside, place)
    if protocol in ("ip", "ip6"):
        if packet.family != (4 if protocol == "ip" else 6):
            return ABSENT, ("number",)
        return _network(name, place)
    if protocol in ("ether", "vlan", "arp"):
        return ABSENT, ("ether_type",)  # lo has no link layer, and none of our packets is ARP
    if protocol == "th":
        if packet.protocol in ("tcp", "udp") and name in PORTS:
            return place.port(PORTS[name]), ("number",)
        return UNKNOWN
    if protocol != packet.protocol:
        return ABSENT, (f"{protocol}_{name}" if protocol.startswith("icmp") else "number",)
    return _transport(protocol, name, place)


def _network(name: str, place: Place) -> Field:
    packet = place.packet
    if name in ENDS:
        return place.address(ENDS[name]), (ADDRESSES,)
    if name in ("protocol", "nexthdr"):
        return exactly(place.protocol), ("protocol",)
    if name in ("ttl", "hoplimit"):
        return place.number("ttl"), ("number",)
    known = {
        "version": exactly(packet.family),
        "hdrlength": exactly(5),
        "length": _length(place),
    }
    return known.get(name), ("number",)


def _length(place: Place) -> Value:
    """The length field: of the whole packet in IPv4, of what follows the header in IPv6."""
    length = place.number("length")
    if isinstance(length, Span) and place.packet.family == 6:
        return Span(length.low - 40, length.high - 40)
    return length


def _transport(protocol: str, name: str, place: Place) -> Field:
    packet = place.packet
    if name in PORTS:
        return place.port(PORTS[name]), ("number",)
    if protocol == "tcp" and name == "flags":
        if "tcp_flags" in packet.unknown:
            return None, ("tcp_flags",)
        return exactly(sum(TCP_FLAGS[flag] for flag in packet.tcp_flags)), ("tcp_flags",)
    if protocol.startswith("icmp") and name in ("type", "code"):
        return place.number(f"icmp_{name}"), (f"{protocol}_{name}",)
    return UNKNOWN


def _raw(inside: Any, place: Place) -> Field:
    """Raw bits at an offset: the ones that are addresses."""
    where = inside.get("base"), inside.get("offset"), inside.get("len")
    fields = {
        4: {("nh", 96, 32): "source", ("nh", 128, 32): "destination"},
        6: {("nh", 64, 128): "source", ("nh", 192, 128): "destination"},
    }[place.packet.family]
    if where in fields:
        return place.address(fields[where]), (ADDRESSES,)
    return UNKNOWN
