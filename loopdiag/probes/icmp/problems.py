"""What the error queue of a socket says: stamps, ICMP errors and who sent them, refusals of the own kernel: ip(7)."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.probes.icmp.stamps import Control

IP_RECVERR, IPV6_RECVERR = 11, 25  # linux/in.h, linux/in6.h
FROM_LOCAL, FROM_ICMP, FROM_ICMP6, FROM_STAMPING = 1, 2, 3, 4  # SO_EE_ORIGIN_*: linux/errqueue.h
_ERROR = struct.Struct("@IBBBBII")  # struct sock_extended_err: errno, origin, type, code, pad, info, data

_UNREACHABLE = {
    0: "Destination Net Unreachable", 1: "Destination Host Unreachable", 2: "Destination Protocol Unreachable",
    3: "Destination Port Unreachable", 5: "Source Route Failed", 6: "Destination Net Unknown",
    7: "Destination Host Unknown", 8: "Source Host Isolated", 9: "Destination Net Prohibited",
    10: "Destination Host Prohibited", 11: "Destination Net Unreachable for Type of Service",
    12: "Destination Host Unreachable for Type of Service", 13: "Packet filtered", 14: "Precedence Violation",
    15: "Precedence Cutoff",
}  # fmt: skip
_UNREACHABLE6 = {
    0: "No route", 1: "Administratively prohibited", 2: "Beyond scope of source address", 3: "Address unreachable",
    4: "Port unreachable", 5: "Source address failed policy", 6: "Reject route",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """One entry of the error queue. `stamp` counts what was sent on this socket from 0; `info` is often an MTU."""

    errno: int
    origin: int
    type: int
    code: int
    info: int
    stamp: int
    sender: str | None


def read_note(control: Sequence[Control]) -> Note | None:
    """The extended error among control messages; None where there is none."""
    for level, kind, data in control:
        four = level == socket.IPPROTO_IP and kind == IP_RECVERR
        six = level == socket.IPPROTO_IPV6 and kind == IPV6_RECVERR
        if (four or six) and len(data) >= _ERROR.size:
            number, origin, type_, code, _, info, stamp = _ERROR.unpack_from(data)
            return Note(number, origin, type_, code, info, stamp, _sender(data[_ERROR.size :]))
    return None


def _sender(data: bytes) -> str | None:
    """The address in the sockaddr that follows: who sent the ICMP error."""
    family = int.from_bytes(data[:2], "little" if struct.pack("@H", 1)[0] else "big")
    if family == socket.AF_INET and len(data) >= 8:
        return socket.inet_ntop(socket.AF_INET, data[4:8])
    if family == socket.AF_INET6 and len(data) >= 24:
        return socket.inet_ntop(socket.AF_INET6, data[8:24])
    return None


def wording(note: Note) -> str:
    """The error in words, in the form that ping made known."""
    if note.origin == FROM_ICMP6:
        return _wording6(note)
    if note.origin != FROM_ICMP:
        return f"message too long, mtu={note.info}" if note.errno == errno.EMSGSIZE else reason(note.errno)
    if note.type == 3:
        fragment = f"Frag needed and DF set (mtu = {note.info})"
        return fragment if note.code == 4 else _UNREACHABLE.get(note.code, f"Dest Unreachable, Bad Code: {note.code}")
    if note.type == 11:
        return "Frag reassembly time exceeded" if note.code == 1 else "Time to live exceeded"
    return {4: "Source Quench", 5: "Redirect", 12: "Parameter problem"}.get(note.type, f"ICMP type {note.type}")


def _wording6(note: Note) -> str:
    if note.type == 1:
        return f"Destination unreachable: {_UNREACHABLE6.get(note.code, f'Unknown code {note.code}')}"
    if note.type == 3:
        return "Time exceeded: " + ("Defragmentation failure" if note.code == 1 else "Hop limit")
    return {2: f"Packet too big: mtu={note.info}", 4: "Parameter problem"}.get(note.type, f"ICMPv6 type {note.type}")


def reason(number: int) -> str:
    """An errno in the C library's words."""
    return os.strerror(number)
