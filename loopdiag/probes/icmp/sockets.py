"""The one file that sends: an ICMP socket, raw where that is permitted and datagram where not: raw(7), icmp(7)."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from typing import TYPE_CHECKING, NamedTuple

from loopdiag.probes.icmp import filter as kernel_filter
from loopdiag.probes.icmp import stamps
from loopdiag.probes.icmp.packet import Dialect
from loopdiag.probes.icmp.problems import FROM_STAMPING, IP_RECVERR, IPV6_RECVERR, Note, read_note
from loopdiag.probes.outcome import errno_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.address import Address
    from loopdiag.probes.icmp.packet import Message
    from loopdiag.probes.icmp.stamps import Control

IP_RECVTTL, IPV6_HOPLIMIT = 12, 52  # linux/in.h, linux/in6.h
_ANCILLARY = 512  # bytes: room for a stamp, a TTL and an extended error with its sender
_MOST_AT_ONCE = 256  # packets of others to read past before looking at the clock again
_HEADERS = 128  # bytes: room for the longest IPv4 header, and for what is longer than it should be


class Received(NamedTuple):
    """A reply with its moment (`time.perf_counter`), the kernel's stamp of its coming in (ns), and who sent it."""

    message: Message
    at: float
    stamp: int | None
    sender: str


class Refused(NamedTuple):
    """No socket: each type that was tried, with the errno's name."""

    tries: tuple[tuple[str, str], ...]


class EchoSocket:
    """One socket, which sends requests of one size to one address."""

    def __init__(self, sock: socket.socket, kind: str, version: int) -> None:
        self.sock, self.kind, self.version = sock, kind, version
        self.filtered = self.stamped = False
        self._sent = 0  # requests sent since the numbering of stamps began
        self._owed: dict[int, int] = {}  # number of a stamp -> sequence number on the wire

    def prepare(self, address: Address, payload: bytes) -> None:
        """Fix destination and identifier, then install filter and stamps."""
        raw = self.kind == "raw"
        if not raw and self.sock.getsockname()[1] == 0:
            self.sock.bind(("", 0))
        # The kernel writes a datagram socket's port into each request as its identifier.
        self.identifier = int.from_bytes(os.urandom(2), "big") if raw else self.sock.getsockname()[1]
        self._dialect = Dialect(self.version, self.identifier, payload)
        self._destination = sockaddr(address)
        self._room = len(payload) + _HEADERS
        self.sock.setblocking(False)
        self.filtered = raw and kernel_filter.attach(self.sock, self.version, self.identifier)
        self._listen_for_errors()
        self.stamped = stamps.switch_on(self.sock)

    def _listen_for_errors(self) -> None:
        if self.version == 4:
            self.sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
            if self.kind == "datagram":
                self.sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
            return
        self.sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)

    def send(self, sequence: int) -> float:
        """Send one request (`sequence` counts modulo 65536); returns its moment, raises OSError as the kernel does."""
        wire = sequence & 0xFFFF
        request = self._dialect.request(wire)
        moment = time.perf_counter()
        try:
            self.sock.sendto(request, self._destination)
        except OSError:
            self._restart_stamps()
            raise
        if self.stamped:
            self._owed[self._sent] = wire
            self._sent += 1
        return moment

    def _restart_stamps(self) -> None:
        """Whether a refused request has used up a number cannot be known: begin again."""
        if self.stamped:
            self._owed.clear()
            self._sent = 0
            self.stamped = stamps.switch_on(self.sock)

    @property
    def owes_stamps(self) -> bool:
        """Requests are out whose stamp has not come back yet."""
        return bool(self._owed)

    def receive(self) -> Received | None:
        """The next reply of ours; None where none waits."""
        for _ in range(_MOST_AT_ONCE):
            called = time.time_ns()
            try:
                data, control, _, source = self.sock.recvmsg(self._room, _ANCILLARY)
            except BlockingIOError:
                return None
            except OSError:
                continue  # an ICMP error came: it waits on the error queue, and this call told so once
            at = time.perf_counter()
            message = self._dialect.reply(data, _ttl(control), ip_header=self.version == 4 and self.kind == "raw")
            if message:
                stamp = stamps.software_stamp(control)
                # While stamping is being switched on the kernel fills the stamp in as it is asked: that is none.
                return Received(message, at, stamp if stamp and stamp <= called else None, _text(source))
        return None

    def next_note(self) -> tuple[int | None, Note, int | None] | None:
        """The next entry of the error queue: the sequence number it is about, what it says, its stamp (ns)."""
        for _ in range(_MOST_AT_ONCE):
            try:
                data, control, _, _ = self.sock.recvmsg(self._room, _ANCILLARY, socket.MSG_ERRQUEUE)
            except OSError:
                return None
            note = read_note(control)
            if note is None:
                continue
            if note.origin == FROM_STAMPING:
                sequence = self._owed.pop(note.stamp, None)
                if sequence is not None:
                    return sequence, note, stamps.software_stamp(control)
            else:
                return self._dialect.sequence_in(data), note, None
        return None

    def wait(self, seconds: float, also: Sequence[int]) -> None:
        """Sleep until something comes in here or on the descriptors `also`, or `seconds` are over.

        select(2) keeps microseconds, where poll(2) rounds up to a whole millisecond.
        """
        select.select([self.sock.fileno(), *also], [], [], max(0.0, seconds))

    def close(self) -> None:
        """Give the socket back."""
        self.sock.close()


def open_socket(version: int) -> EchoSocket | Refused:
    """A raw socket (CAP_NET_RAW), else a datagram one (net.ipv4.ping_group_range, which counts for IPv6 too)."""
    family, protocol = (
        (socket.AF_INET, socket.IPPROTO_ICMP) if version == 4 else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
    )
    tries = []
    for kind, type_ in (("raw", socket.SOCK_RAW), ("datagram", socket.SOCK_DGRAM)):
        try:
            return EchoSocket(socket.socket(family, type_, protocol), kind, version)
        except OSError as fault:
            tries.append((kind, errno_name(fault.errno or 0)))
    return Refused(tuple(tries))


def sockaddr(address: Address) -> tuple[str, int] | tuple[str, int, int, int]:
    """The address as the socket calls take it, its zone as a number."""
    if address.family == socket.AF_INET:
        return address.text, 0
    zone = address.zone or "0"
    return address.text, 0, 0, int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)


def source_for(address: Address, kind: str, bind_to: str | None, device: str | None) -> str | None:
    """The source address that the kernel takes for `address`; None where it finds none."""
    version = 4 if address.family == socket.AF_INET else 6
    protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
    type_ = socket.SOCK_RAW if kind == "raw" else socket.SOCK_DGRAM
    try:
        # A socket of its own: a connected one would not see replies from other addresses than the one asked.
        with socket.socket(address.family, type_, protocol) as asking:
            if device:
                asking.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            if bind_to:
                asking.bind((bind_to, 0))
            asking.connect(sockaddr(address))
            return _text(asking.getsockname())
    except OSError:
        return bind_to


def _text(source: tuple[object, ...]) -> str:
    return str(source[0]).partition("%")[0]


def _ttl(control: list[Control]) -> int | None:
    for level, kind, data in control:
        if (level == socket.IPPROTO_IP and kind == socket.IP_TTL) or (
            level == socket.IPPROTO_IPV6 and kind == IPV6_HOPLIMIT
        ):
            return int(struct.unpack("@i", data)[0])
    return None
