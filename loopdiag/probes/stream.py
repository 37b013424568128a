"""A connection to speak on, bounded in time and bytes: what the peer does to it is an ending, never a hang."""

from __future__ import annotations

import errno
import select
import socket
import sys
import time
from typing import TYPE_CHECKING

from loopdiag.model.observation import Outcome
from loopdiag.probes.outcome import errno_name, family_of, outcome_of, sockaddr, written

if TYPE_CHECKING:
    from types import TracebackType

_STARTED = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)
_CHUNK = 4096
_UNACKED = 24  # the offset of tcpi_unacked in struct tcp_info: linux/tcp.h


class EndedError(Exception):
    """The conversation is over: `outcome` is closed, reset, timed-out, ...; `errno` is its name where there is one."""

    def __init__(self, outcome: Outcome, number: int | None = None) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome
        self.errno = errno_name(number) if number else None


class Stream:
    """A stream socket to an address and port, or (port None) to a UNIX socket's path, for `timeout` seconds in all.

    `connection` is a non-blocking socket that is connected there already; it is closed with the stream. Every method
    raises EndedError when nothing more can come. `first` keeps the first bytes that came, `received` counts them all.
    """

    def __init__(self, address: str, port: int | None, timeout: float, connection: socket.socket | None = None) -> None:
        self.address, self.port = address, port
        self.local: str | None = None
        self.first = b""
        self.received = 0
        self._began = time.monotonic()
        self._deadline = self._began + timeout
        self._socket = connection

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.close()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    @property
    def unacknowledged(self) -> bool | None:
        """Something that was sent is not acknowledged: by its kernel, whatever the peer's process does. tcp(7)."""
        if self.port is None or self._socket is None or not hasattr(socket, "TCP_INFO"):
            return None
        try:
            told = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED + 4)
        except OSError:
            return None
        return bool(int.from_bytes(told[_UNACKED:], sys.byteorder)) if len(told) == _UNACKED + 4 else None

    def connect(self) -> None:
        """Connect, where it is not connected already; raises EndedError where that fails."""
        if self._socket is not None:
            self.local = _name(self._socket)
            return
        try:
            if self.port is None:
                number = self._open(socket.AF_UNIX).connect_ex(_unix_name(self.address))
            else:
                number = self._open(family_of(self.address)).connect_ex(sockaddr(self.address, self.port))
        except OSError as fault:
            number = fault.errno or errno.EIO
        if number not in _STARTED:
            raise EndedError(outcome_of(number), number)
        one = self._ready(select.POLLOUT)
        number = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise EndedError(outcome_of(number), number)
        if self.port is not None:
            self.local = _name(one)

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        while data:
            try:
                data = data[self._ready(select.POLLOUT).send(data) :]
            except BlockingIOError:
                continue
            except OSError as fault:
                raise EndedError(outcome_of(fault.errno or errno.EIO), fault.errno) from None

    def receive(self, patience: float | None = None) -> bytes:
        """What comes next, at most 4 kB; within `patience` seconds, or all that are left."""
        try:
            data = self._ready(select.POLLIN, patience).recv(_CHUNK)
        except OSError as fault:
            raise EndedError(outcome_of(fault.errno or errno.EIO), fault.errno) from None
        if not data:
            raise EndedError(Outcome.CLOSED)
        self.first = (self.first + data)[:64]
        self.received += len(data)
        return data

    def _open(self, family: socket.AddressFamily) -> socket.socket:
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        return self._socket

    def _ready(self, event: int, patience: float | None = None) -> socket.socket:
        assert self._socket is not None
        left = self._deadline - time.monotonic()
        wait = left if patience is None else min(left, patience)
        poll = select.poll()
        poll.register(self._socket, event)
        if wait <= 0 or not poll.poll(wait * 1000):
            raise EndedError(Outcome.TIMED_OUT)
        return self._socket


def _name(connected: socket.socket) -> str | None:
    try:
        return written(connected.getsockname())
    except OSError:
        return None


def _unix_name(path: str) -> str:
    return f"\0{path[1:]}" if path.startswith("@") else path


def readable(data: bytes, most: int = 200) -> str | None:
    """The text within `data`, on one line, without control characters and cut; None where there is hardly any."""
    text = "".join(chr(byte) if 32 <= byte < 127 else " " for byte in data[: most * 4])
    words = " ".join(text.split())
    return words[:most] if len(words) > 2 else None
