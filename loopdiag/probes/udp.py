"""One datagram, and what comes back: an answer, from whomever, or an ICMP error."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING

from loopdiag.model.address import endpoint
from loopdiag.model.observation import Outcome, UdpExchange
from loopdiag.probes.error_queue import ask_for_errors, queued_error
from loopdiag.probes.outcome import errno_name, family_of, outcome_of, sockaddr, written

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 1.0  # seconds
LOOK = 0.05  # seconds between two questions to `patience`
GRACE = 0.2  # seconds to wait for the right answer once a wrong one is there
MOST_ANSWERS = 100  # a flood of wrong ones must not hold us
_LARGEST = 65535

# Questions that the service answers by itself and that change nothing; anything else gets a line of text.
_NTP = b"\x23" + bytes(47)  # version 4, mode client: RFC 5905
_DNS = struct.pack(">6H", 0x6C64, 0, 1, 0, 0, 0) + b"\x07version\x04bind\x00" + struct.pack(">2H", 16, 3)  # TXT CH
QUESTIONS = {53: _DNS, 123: _NTP}
TEXT = b"loopdiag\n"


def exchange_udp(
    address: str,
    port: int,
    timeout: float = TIMEOUT,
    *,
    payload: bytes | None = None,
    patience: Callable[[], str | None] | None = None,
) -> UdpExchange:
    """Send one datagram to a numeric address (with its zone) and wait `timeout` seconds at most for what comes.

    `patience` is asked now and then while nothing has come; a reason that it returns ends the wait. The socket is
    not connected, so that an answer from another address than the one asked is seen too. No OSError leaves.
    """
    exchange = _Exchange(address, port)
    try:
        if exchange.send(QUESTIONS.get(port, TEXT) if payload is None else payload):
            exchange.listen(timeout, patience)
        return exchange.observation()
    finally:
        exchange.close()


class _Exchange:
    def __init__(self, address: str, port: int) -> None:
        self._address, self._port = address, port
        self._socket: socket.socket | None = None
        self._local: str | None = None
        self._number = 0
        self._failed_call: str | None = None
        self._error_from: str | None = None
        self._answer: tuple[str, int] | None = None
        self._right = False
        self._began = time.perf_counter()
        self._took: float | None = None

    def send(self, payload: bytes) -> bool:
        """Whether the datagram was taken."""
        call = "socket"
        try:
            self._socket = socket.socket(family_of(self._address), socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            ask_for_errors(self._socket)
            where = sockaddr(self._address, self._port)
            call = "connect"
            source = _source(where, self._socket.family)
            call = "send"
            self._began = time.perf_counter()
            self._socket.sendto(payload, where)
            self._local = endpoint(source, self._socket.getsockname()[1])
        except OSError as fault:
            self._fail(fault.errno or errno.EIO, call)
            return False
        return True

    def listen(self, timeout: float, patience: Callable[[], str | None] | None) -> None:
        assert self._socket is not None
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        deadline = self._began + timeout
        for _ in range(MOST_ANSWERS + int(timeout / LOOK) + 1):
            left = deadline - time.perf_counter()
            if left <= 0:
                return
            if poll.poll((min(left, LOOK) if patience else left) * 1000):
                if self._hear(self._socket):
                    return
                deadline = min(deadline, time.perf_counter() + GRACE)
            elif patience and patience():
                return

    def _hear(self, receiving: socket.socket) -> bool:
        """Take in what came; whether that ends the exchange."""
        number = receiving.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        queued = queued_error(receiving)
        if queued is not None:
            number, self._error_from = number or queued.number, queued.sender
        if number:
            self._fail(number, "recv")
            return True
        try:
            data, sender = receiving.recvfrom(_LARGEST)
        except OSError as fault:
            if fault.errno in (errno.EAGAIN, errno.EINTR):
                return False
            self._fail(fault.errno or errno.EIO, "recv")
            return True
        self._right = self._expected(sender)
        self._answer = (written(sender), len(data))
        if self._right:
            self._took = time.perf_counter() - self._began
        return self._right

    def _expected(self, sender: tuple[str, int]) -> bool:
        """Whether a client that connected its socket, or compares addresses, would take the answer."""
        asked = ip_address(self._address.partition("%")[0])
        if sender[1] != self._port:
            return False
        if asked.is_unspecified or asked.is_multicast or self._address == "255.255.255.255":
            return True
        return ip_address(sender[0].partition("%")[0]) == asked

    def _fail(self, number: int, call: str) -> None:
        self._number, self._failed_call = number, call
        self._took = time.perf_counter() - self._began

    def observation(self) -> UdpExchange:
        outcome = outcome_of(self._number) if self._number else Outcome.REPLIED if self._right else Outcome.TIMED_OUT
        return UdpExchange(
            address=self._address,
            port=self._port,
            outcome=outcome,
            errno=errno_name(self._number) if self._number else None,
            seconds=time.perf_counter() - self._began if self._took is None else self._took,
            local=self._local,
            failed_call=self._failed_call,
            replied_from=self._answer[0] if self._answer else None,
            reply_bytes=self._answer[1] if self._answer else None,
            error_from=self._error_from,
        )

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


def _source(where: tuple[object, ...], family: int) -> str:
    """The local address that the kernel chooses: connecting a UDP socket sends nothing. Raises OSError."""
    with socket.socket(family, socket.SOCK_DGRAM) as scout:
        scout.connect(where)
        return written(scout.getsockname()).rpartition(":")[0].strip("[]")
