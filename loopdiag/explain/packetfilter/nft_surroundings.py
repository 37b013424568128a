"""What nft reads beside the packet's bytes: meta, ct, fib, socket and the rest. nft(8), net/netfilter/nft_meta.c."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.explain.packetfilter.nft_values import ADDRESSES, NAMES, Kinds
from loopdiag.explain.packetfilter.place import address_number
from loopdiag.explain.packetfilter.symbols import PROTOCOLS
from loopdiag.explain.packetfilter.values import ABSENT, Value, exactly

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loopdiag.explain.packetfilter.place import Place

Field = tuple[Value, Kinds]
UNKNOWN: Field = (None, ("number",))
LOOPBACK_TYPE = 772  # ARPHRD_LOOPBACK


def _meta(inside: Any, place: Place) -> Field:
    key = inside.get("key", "")
    if key in ("iif", "iifname", "oif", "oifname", "sdifname", "sdif"):
        device = place.input if key.startswith(("iif", "sdif")) else place.output
        return device, (NAMES,)
    if key in ("iiftype", "oiftype"):
        return _device_type(place.input if key == "iiftype" else place.output), ("device_type",)
    if key in ("iifgroup", "oifgroup"):
        device = place.input if key == "iifgroup" else place.output
        return (ABSENT if device == "" else None), ("group",)
    if key in ("skuid", "skgid"):
        return _owner(key, place), ("number",)
    packet = place.packet
    known: dict[str, Field] = {
        "l4proto": (exactly(place.protocol), ("protocol",)),
        "nfproto": (exactly(2 if packet.family == 4 else 10), ("nf_protocol",)),
        "protocol": (exactly(0x0800 if packet.family == 4 else 0x86DD), ("ether_type",)),
        "mark": (place.number("mark"), ("number",)),
        "length": (place.number("length"), ("number",)),
        "pkttype": (exactly(0), ("packet_type",)),
        "ipsec": (exactly(0), ("number",)),
        "secpath": (exactly(0), ("number",)),
        "nftrace": (exactly(0), ("number",)),
    }
    return known.get(key, UNKNOWN)


def _device_type(device: str | None) -> Value:
    if device == "":
        return ABSENT
    return exactly(LOOPBACK_TYPE) if device == "lo" else None


def _owner(key: str, place: Place) -> Value:
    """The user of the socket that sent the packet; the kernel's own answers have none, and lo takes it away."""
    name = "uid" if key == "skuid" else "gid"
    if place.owner_known:
        return place.number(name)
    # Input looks sockets up early, but only connected ones: what opens a connection has none yet.
    return None if place.hook == "input" and place.packet.state != "new" else ABSENT


def _ct(inside: Any, place: Place) -> Field:
    key, direction = inside.get("key", ""), inside.get("dir")
    if key == "state":
        return place.state, ("ct_state",)
    if not place.tracked or place.connection.untracked:
        return ABSENT, ("number",)
    connection = place.connection
    if key == "direction":
        return exactly(int(place.packet.answer)), ("ct_direction",)
    if key == "mark":
        return (None if connection.mark is None else exactly(connection.mark)), ("number",)
    if key == "status":
        return _status(place), ("ct_status",)
    if key == "protocol":
        return exactly(PROTOCOLS[connection.original.protocol]), ("protocol",)
    if key == "l3proto":
        return exactly(2 if connection.original.family == 4 else 10), ("nf_protocol",)
    if key in ("zone", "id", "expiration"):
        return (exactly(0) if key == "zone" else None), ("number",)
    if key == "helper":
        return ABSENT, (NAMES,)
    return _tuple(key, direction, place)


def _status(place: Place) -> Value:
    """The bits that are certain: seen-reply on answers, snat and dnat. Others depend on how far it has come."""
    return None if place.packet.state != "new" else _nat_bits(place)


def _nat_bits(place: Place) -> Value:
    connection = place.connection
    return exactly(16 * (connection.source is not None) + 32 * (connection.destination is not None))


def _tuple(key: str, direction: str | None, place: Place) -> Field:
    """`ct original ip saddr`, `ct reply proto-dst` and the like."""
    original, connection = place.connection.original, place.connection
    name = key.split()[-1]
    kinds: Kinds = (ADDRESSES,) if name in ("saddr", "daddr") else ("number",)
    if direction == "original":
        ends: Mapping[str, tuple[str, int | None]] = {
            "saddr": (original.source, original.source_port),
            "daddr": (original.destination, original.destination_port),
        }
    elif direction == "reply":
        ends = {
            "saddr": connection.destination or (original.destination, original.destination_port),
            "daddr": connection.source or (original.source, original.source_port),
        }
    else:
        return None, kinds
    if name in ends:
        return address_number(ends[name][0]), kinds
    port = ends[{"proto-src": "saddr", "proto-dst": "daddr"}.get(name, "")][1] if name.startswith("proto-") else None
    return (None if port is None else exactly(port)), kinds


def _fib(inside: Any, place: Place) -> Field:
    """A route look-up for one end. On lo the reverse path always leads to lo: net/ipv4/netfilter/nft_fib_ipv4.c."""
    flags = inside.get("flags", ())
    end = "source" if "saddr" in flags else "destination"
    if inside.get("result") == "type":
        return place.address_type(end), ("address_type",)
    if place.hook in ("prerouting", "ingress") and place.input == "lo" and end == "source":
        return "lo", (NAMES,)
    return None, (NAMES,)


def _not_there(inside: Any, place: Place) -> Field:
    """Extension headers and IP options: the packets of a probe have none."""
    return exactly(0), ("number",)


def _unknown(inside: Any, place: Place) -> Field:
    return UNKNOWN


READERS: Mapping[str, Callable[[Any, Place], Field]] = {
    "meta": _meta,
    "ct": _ct,
    "fib": _fib,
    "exthdr": _not_there,
    "ip option": _not_there,
    "ipsec": _not_there,
    "numgen": _unknown,
    "jhash": _unknown,
    "symhash": _unknown,
    "socket": _unknown,
    "rt": _unknown,
    "tcp option": _unknown,
    "osf": _unknown,
}
