"""The headers of a captured frame, byte by byte, as scapy decodes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.model.comparison import Header, HeaderField

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = {"Ether": "Ethernet", "IPv6": "IPv6", "IP": "IPv4"}
_DATA = frozenset({"Raw", "Padding", "NoPayload"})


def decode(frame: bytes) -> tuple[tuple[Header, ...], int]:
    """The headers of an Ethernet frame, and how many bytes of payload lie behind them."""
    from loopdiag.probes.scapy_layers import ethernet

    headers: list[Header] = []
    layer = ethernet()(frame)
    at = 0
    while type(layer).__name__ not in _DATA:
        length = len(layer.original) - len(layer.payload.original) if _has_payload(layer) else len(frame) - at
        length = _own_length(layer, length)
        raw = frame[at : at + length]
        headers.append(Header(layer=_name(layer), bytes=raw.hex(), fields=tuple(_fields(layer, raw))))
        at += length
        if not _has_payload(layer) or "error" in _name(layer):
            break
        layer = layer.payload
    return tuple(headers), len(frame) - at


def _has_payload(layer: Any) -> bool:
    return type(layer.payload).__name__ != "NoPayload"


def _own_length(layer: Any, length: int) -> int:
    """scapy counts the data of an ICMPv6 echo, which has a header of 8 bytes, among its fields: RFC 4443, 4.1."""
    return 8 if type(layer).__name__.startswith("ICMPv6Echo") else length


def _name(layer: Any) -> str:
    plain = type(layer).__name__
    return _NAMES.get(plain, layer.name if plain.startswith("ICMPv6") else plain)


def _fields(layer: Any, raw: bytes) -> Iterator[HeaderField]:
    bit = 0
    for field in layer.fields_desc:
        if bit // 8 >= len(raw):
            return
        value = layer.getfieldval(field.name)
        if value is None:
            continue
        bits = _bits(layer, field, value, len(raw) * 8 - bit)
        if bits == 0:
            continue
        first, last = bit // 8, (bit + bits + 7) // 8
        yield HeaderField(at=first, bytes=raw[first:last].hex(), name=field.name, value=_value(layer, field, value))
        bit += bits


def _bits(layer: Any, field: Any, value: Any, left: int) -> int:
    """How wide the field is here; 0 where it is left out of this packet."""
    condition = getattr(field, "cond", None)
    if condition is not None and not condition(layer):
        return 0
    size = getattr(field, "fld", field).sz
    if isinstance(value, list):
        return left
    return min(left, round(size * 8)) if size else left


def _value(layer: Any, field: Any, value: Any) -> str:
    return str(field.i2repr(layer, value))
