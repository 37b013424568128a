"""Netlink with nothing but struct and socket: a request takes some 0.2 ms. netlink(7), rtnetlink(7).

Every request opens a socket of its own, so that it speaks of the network namespace of the thread that asks.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    Value = TypeVar("Value")

ROUTE, SOCK_DIAG, NETFILTER = 0, 4, 12  # protocols: linux/netlink.h
NLM_F_REQUEST, NLM_F_DUMP, NLM_F_DUMP_INTR = 0x1, 0x300, 0x10
NLMSG_ERROR, NLMSG_DONE = 2, 3
SOL_NETLINK, NETLINK_GET_STRICT_CHK = 270, 12
HEADER = struct.Struct("=IHHII")
NESTED = 0x8000 | 0x4000  # NLA_F_NESTED, NLA_F_NET_BYTEORDER: flags in an attribute's type
# The kernel fills at most 32 KiB in one go; a datagram that does not fit would be cut. From 128 KiB on malloc(3) would
# map and unmap every buffer (M_MMAP_THRESHOLD of mallopt(3)): 2 of the 36 ms that 15,000 sockets take.
BUFFER = 96 << 10
PATIENCE = 3.0  # seconds; the kernel answers at once, so this ends a wait only where something is badly wrong
TRIES = 5


class NetlinkError(OSError):
    """The kernel answered with an error; `errno` holds its number."""


def ask(protocol: int, kind: int, body: bytes, *, strict: bool = False) -> bytes:
    """One request, one answer without its header. Raises NetlinkError, or OSError where no socket is to be had."""
    answers = _exchange(protocol, kind, NLM_F_REQUEST, body, strict)
    if answers:
        return answers[0]
    raise NetlinkError(errno.ENODATA, "the kernel gave no answer")


def dump(protocol: int, kind: int, body: bytes, *, strict: bool = False) -> list[bytes]:
    """All messages of a dump, without headers; asked anew where the kernel's list changed meanwhile.

    With `strict` the kernel filters by what `body` holds, or refuses it; before Linux 4.20 it tells all there is.
    """
    for _ in range(TRIES):
        try:
            return _exchange(protocol, kind, NLM_F_REQUEST | NLM_F_DUMP, body, strict)
        except InterruptedError:
            continue
    raise NetlinkError(errno.EINTR, "the kernel's list kept changing while it was read")


def reading(what: str, read: Callable[[], Value]) -> Value | Unknown:
    """What `read` returns; an Unknown with the reason where the kernel refuses or answers garbage."""
    try:
        return read()
    except OSError as fault:
        return Unknown(what, because(fault))
    except (struct.error, ValueError, LookupError) as fault:
        return Unknown(what, f"the kernel's answer could not be understood ({fault})")


def because(fault: OSError) -> str:
    """Why netlink failed, and the right that would settle it, as half a sentence."""
    name = errno.errorcode.get(fault.errno or 0, "an error")
    if fault.errno in (errno.EPERM, errno.EACCES):
        return f"netlink is refused to this process ({name}): ask as root, or outside its sandbox"
    if fault.errno in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
        return f"netlink sockets are not available here ({name}): ask outside the sandbox that withholds them"
    if isinstance(fault, TimeoutError):
        return f"netlink gave no answer within {PATIENCE:g} s"
    return f"netlink answered {name} ({os.strerror(fault.errno or 0)})"


def attributes(data: bytes, at: int = 0) -> dict[int, bytes]:
    """The attributes from offset `at` on, by type without its flags; a later one of the same type wins."""
    return dict(listed(data, at))


def listed(data: bytes, at: int = 0) -> Iterator[tuple[int, bytes]]:
    """The attributes from offset `at` on in their order. What is cut short ends the list."""
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4 or at + length > len(data):
            return
        yield kind & ~NESTED, data[at + 4 : at + length]
        at += (length + 3) & ~3


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    return struct.pack("=HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)


def text(value: bytes) -> str:
    """A NUL-terminated string of the kernel."""
    return value.split(b"\0", 1)[0].decode(errors="replace")


def number(value: bytes) -> int:
    """An unsigned number of the host's byte order, of 1, 2, 4 or 8 bytes."""
    found: int = struct.unpack({1: "=B", 2: "=H", 4: "=I", 8: "=Q"}[len(value)], value)[0]
    return found


def address(value: bytes) -> str:
    """An IPv4 or IPv6 address in its canonical text."""
    return socket.inet_ntop(socket.AF_INET if len(value) == 4 else socket.AF_INET6, value)


def _exchange(protocol: int, kind: int, flags: int, body: bytes, strict: bool) -> list[bytes]:
    """The payloads of the answer."""
    found: list[bytes] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol) as link:
        link.settimeout(PATIENCE)
        if strict:
            with suppress(OSError):  # ENOPROTOOPT before Linux 4.20
                link.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        link.bind((0, 0))
        link.send(HEADER.pack(HEADER.size + len(body), kind, flags, 1, 0) + body)
        while True:
            data, _, _, sender = link.recvmsg(BUFFER)
            if sender[0] != 0:  # only port 0 is the kernel
                continue
            if _take(data, found) or flags & NLM_F_DUMP != NLM_F_DUMP:
                return found


def _take(data: bytes, found: list[bytes]) -> bool:
    """Add the payloads of one datagram to `found`; whether the answer ends with it."""
    alike = _alike(data)
    if alike:
        found += alike
        return False
    at, end, start = 0, len(data), HEADER.size
    while at + start <= end:  # once for every socket, route or address of the host
        length, kind, flags, _, _ = HEADER.unpack_from(data, at)
        if length < start or at + length > end:
            raise ValueError("a message that is cut short")
        if flags & NLM_F_DUMP_INTR:
            raise InterruptedError
        payload = data[at + start : at + length]
        if kind in (NLMSG_DONE, NLMSG_ERROR):
            _check(payload)
            return True
        found.append(payload)
        at += (length + 3) & ~3
    return False


def _alike(data: bytes) -> list[bytes]:
    """The payloads where all headers are the same and say nothing else; none where that is not so.

    Most of a long dump is of that kind, and is taken apart three times as fast so.
    """
    if len(data) < HEADER.size:
        return []
    length, kind, flags, _, _ = HEADER.unpack_from(data)
    if kind in (NLMSG_DONE, NLMSG_ERROR) or flags & NLM_F_DUMP_INTR:
        return []
    if length % 4 or length < HEADER.size or len(data) % length:
        return []
    headers, payloads = zip(*struct.iter_unpack(f"{HEADER.size}s{length - HEADER.size}s", data), strict=True)
    return list(payloads) if len(set(headers)) == 1 else []


def _check(payload: bytes) -> None:
    """Raise NetlinkError for the error number that an NLMSG_ERROR or NLMSG_DONE carries."""
    code = struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
    if code < 0:
        raise NetlinkError(-code, os.strerror(-code))
