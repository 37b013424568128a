"""Echo messages: RFC 792 and RFC 4443."""

from __future__ import annotations

import struct
from typing import NamedTuple

REQUEST = {4: 8, 6: 128}
REPLY = {4: 0, 6: 129}
HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number


def checksum(data: bytes) -> int:
    """The Internet checksum of RFC 1071: 0 over data that holds its own."""
    even = data if len(data) % 2 == 0 else data + b"\0"
    return _folded(sum(struct.unpack(f"!{len(even) // 2}H", even)))


def _folded(total: int) -> int:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Message(NamedTuple):
    """An ICMP message that is a reply to one of ours."""

    sequence: int  # as on the wire, 16 bits
    size: int
    ttl: int | None
    damage: str | None
    bad_checksum: bool


class Dialect:
    """Writes the requests of one probe, and reads the replies. `payload` is in all of them."""

    def __init__(self, version: int, identifier: int, payload: bytes) -> None:
        self.version, self.identifier, self.payload = version, identifier, payload
        # All that changes from one request to the next is the sequence number, so one sum does for all of them.
        self._sum = identifier + (~checksum(payload) & 0xFFFF)

    def request(self, sequence: int) -> bytes:
        """The request with its checksum; in IPv6 the kernel fills that in, as it knows both addresses."""
        kind = REQUEST[self.version]
        check = 0 if self.version == 6 else _folded(self._sum + (kind << 8) + sequence)
        return HEADER.pack(kind, 0, check, self.identifier, sequence) + self.payload

    def reply(self, data: bytes, ttl: int | None, *, ip_header: bool) -> Message | None:
        """The reply in what a socket received; None where it is none of ours."""
        if ip_header and data:
            ttl = data[8] if len(data) > 8 else None
            data = data[(data[0] & 15) * 4 :]
        if len(data) < HEADER.size:
            return None
        kind, code, check, identifier, sequence = HEADER.unpack_from(data)
        if kind != REPLY[self.version] or code or identifier != self.identifier:
            return None
        damage = None if data[8:] == self.payload else _difference(self.payload, data[8:])
        bad = ip_header and self._is_bad(check, sequence, data, damage)
        return Message(sequence, len(data), ttl, "wrong checksum" if bad else damage, bad)

    def _is_bad(self, check: int, sequence: int, data: bytes, damage: str | None) -> bool:
        """Only a raw IPv4 socket gets to see a wrong checksum: the kernel drops it ahead of all others."""
        if damage is None:
            return check != _folded(self._sum + (REPLY[4] << 8) + sequence)
        return checksum(data) != 0

    def sequence_in(self, data: bytes) -> int | None:
        """The sequence number in a request of ours that came back inside an ICMP error; None where it is not ours."""
        if len(data) < HEADER.size:
            return None
        kind, _, _, identifier, sequence = HEADER.unpack_from(data)
        return sequence if kind == REQUEST[self.version] and identifier == self.identifier else None


def _difference(sent: bytes, came: bytes) -> str:
    for place, (ours, theirs) in enumerate(zip(sent, came, strict=False)):
        if ours != theirs:
            return f"wrong data byte #{place} should be 0x{ours:x} but was 0x{theirs:x}"
    return f"{len(came)} bytes of data came back of the {len(sent)} sent"
