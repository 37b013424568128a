"""Send a datagram to a bound socket of our own by many ways at once, and answer each from the address it came to."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import selectors
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING

from loopdiag.model.bind import BoundExchange
from loopdiag.model.observation import Outcome
from loopdiag.probes.bound_tcp import NONCE, STRANGERS, bind_source, name_of, outcome_of
from loopdiag.probes.outcome import sockaddr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.bind import Way

_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)  # linux/in.h; ip(7), ipv6(7): the address that a datagram came to
_HAS_PKTINFO = sys.platform == "linux"


def exchange_all(
    bound: socket.socket, ways: Sequence[Way], timeout: float
) -> tuple[tuple[BoundExchange, ...], tuple[str, ...]]:
    """One datagram by each way, all at once; `timeout` seconds for all together. Also who else sent some."""
    port = bound.getsockname()[1]
    bound.setblocking(False)
    _ask_for_destination(bound)
    clients = {client.nonce: client for client in (_Sender(way, port) for way in ways)}
    strangers: dict[str, None] = {}
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        selector.register(bound, selectors.EVENT_READ)
        for client in clients.values():
            client.send(stack)
            if client.ended is None and client.socket is not None:
                selector.register(client.socket, selectors.EVENT_READ, client)
        deadline = time.perf_counter() + timeout
        while any(client.ended is None for client in clients.values()):
            left = deadline - time.perf_counter()
            if left <= 0:
                break
            for key, _ in selector.select(left):
                if isinstance(key.data, _Sender):
                    key.data.hear()
                    selector.unregister(key.fileobj)
                else:
                    _answer(bound, clients, strangers)
    return tuple(client.observation(timeout) for client in clients.values()), tuple(strangers)[:STRANGERS]


class _Sender:
    def __init__(self, way: Way, port: int) -> None:
        self.way, self.port = way, port
        self.nonce, self.answer = os.urandom(NONCE), os.urandom(NONCE)
        self.socket: socket.socket | None = None
        self.local: str | None = None
        self.seen_as: str | None = None
        self.replied_from: str | None = None
        self.call: str | None = None
        self.began = time.perf_counter()
        self.ended: tuple[Outcome, str | None, float] | None = None

    def send(self, stack: contextlib.ExitStack) -> None:
        family = socket.AF_INET6 if ":" in self.way.destination else socket.AF_INET
        self.call = "socket"
        try:
            self.socket = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            self.socket.setblocking(False)
            self.call = "bind"
            if self.way.source:
                bind_source(self.socket, self.way.source)
            self.call = "connect"
            self.socket.connect(sockaddr(self.way.destination, self.port))
            self.local = name_of(self.socket.getsockname())
            self.call = "send"
            self.socket.send(self.nonce)
        except OSError as fault:
            self._end(outcome_of(fault.errno or errno.EIO), fault.errno)
            return
        self.call = None

    def hear(self) -> None:
        assert self.socket is not None
        try:
            data, peer = self.socket.recvfrom(NONCE + 1)
        except OSError as fault:
            self.call = "recv"
            self._end(outcome_of(fault.errno or errno.EIO), fault.errno)
            return
        self.replied_from = name_of(peer)
        self._end(Outcome.REPLIED if data == self.answer else Outcome.FAILED, None)

    def _end(self, outcome: Outcome, code: int | None) -> None:
        name = None if code is None else errno.errorcode.get(code, "EUNKNOWN")
        self.ended = (outcome, name, time.perf_counter() - self.began)

    def observation(self, timeout: float) -> BoundExchange:
        outcome, name, seconds = self.ended or (Outcome.TIMED_OUT, None, timeout)
        return BoundExchange(
            address=self.way.destination, port=self.port, outcome=outcome, errno=name, seconds=seconds,
            local=self.local or self.way.source, failed_call=self.call, replied_from=self.replied_from,
            reply_bytes=NONCE if outcome is Outcome.REPLIED else None, seen_as=self.seen_as,
        )  # fmt: skip


def _ask_for_destination(bound: socket.socket) -> None:
    if not _HAS_PKTINFO:
        return
    if bound.family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)


def _answer(bound: socket.socket, clients: dict[bytes, _Sender], strangers: dict[str, None]) -> None:
    """Take what came, at most a bounded number at once; a stranger's datagram gets nothing."""
    for _ in range(len(clients) + STRANGERS):
        try:
            data, ancillary, _flags, peer = bound.recvmsg(NONCE + 1, 128)
        except OSError:
            return
        client = clients.get(data)
        if client is None:
            strangers[name_of(peer)] = None
            continue
        client.seen_as = name_of(peer)
        with contextlib.suppress(OSError):
            bound.sendmsg([client.answer], _from_there(ancillary), 0, peer)


def _from_there(ancillary: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """The control message that sends from the address that the datagram came to."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            return [(level, kind, struct.pack("i4s4s", 0, data[4:8], b"\0" * 4))]
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            local = ipaddress.IPv6Address(data[:16]).is_link_local
            return [(level, kind, data[:16] + (data[16:20] if local else struct.pack("i", 0)))]
    return []
