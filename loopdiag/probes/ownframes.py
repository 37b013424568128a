"""Which captured frames belong to one probe: by protocol and our own port or echo identifier, in ICMP errors too."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loopdiag.probes.capture import Frame

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
_IPV4, _IPV6 = 0x0800, 0x86DD
_EXTENSIONS = frozenset({0, 43, 44, 60})  # hop-by-hop, routing, fragment, destination options: RFC 8200
_ECHOES = {ICMP: (8, 0), ICMPV6: (128, 129)}
_ERRORS = {ICMP: range(3, 13), ICMPV6: range(1, 5)}


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells our packets: the protocol, our own port or the echo's identifier, and the port that was asked.

    Another process may have our port at the same time, for another destination: connect(2), ip_local_port_range.
    """

    protocol: int
    number: int
    peer: int | None = None


def own_frames(frames: Iterable[Frame], marks: Iterable[Mark]) -> list[Frame]:
    """The frames that carry one of these marks, in either direction.

    Where address translation has changed the port asked, so that no frame has it, our own port alone decides.
    """
    marked = [(frame, frozenset(_marks(frame.data))) for frame in frames]
    wanted = frozenset(marks)
    lost = wanted - {mark for _, found in marked for mark in found}
    loose = frozenset(replace(mark, peer=None) for mark in lost)
    return [
        frame for frame, found in marked
        if found & wanted or (loose and not loose.isdisjoint(replace(mark, peer=None) for mark in found))
    ]  # fmt: skip


def _marks(frame: bytes) -> Iterator[Mark]:
    if len(frame) > 14:
        (kind,) = struct.unpack_from("!H", frame, 12)
        yield from _packet(frame[14:], kind, within_error=False)


def _packet(data: bytes, kind: int, *, within_error: bool) -> Iterator[Mark]:
    if kind == _IPV4 and len(data) >= 20:
        protocol, payload = data[9], data[(data[0] & 15) * 4 :]
    elif kind == _IPV6 and len(data) >= 40:
        protocol, payload = _beyond_extensions(data[6], data[40:])
    else:
        return
    if len(payload) < 8:
        return
    if protocol in (TCP, UDP):
        source, destination = struct.unpack_from("!HH", payload)
        yield from (Mark(protocol, source, destination), Mark(protocol, destination, source))
    elif protocol in _ECHOES and payload[0] in _ECHOES[protocol]:
        yield Mark(protocol, struct.unpack_from("!H", payload, 4)[0])
    elif protocol in _ERRORS and payload[0] in _ERRORS[protocol] and not within_error:
        yield from _packet(payload[8:], kind, within_error=True)


def _beyond_extensions(protocol: int, payload: bytes) -> tuple[int, bytes]:
    while protocol in _EXTENSIONS and len(payload) >= 8:
        length = 8 if protocol == 44 else (payload[1] + 1) * 8
        protocol, payload = payload[0], payload[length:]
    return protocol, payload
