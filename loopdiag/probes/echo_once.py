"""One echo request through a socket of a chosen type, and what came of it: the smallest exchange that can be traced."""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from typing import TYPE_CHECKING

from loopdiag.model.echo import IcmpEcho
from loopdiag.model.observation import Outcome
from loopdiag.probes.error_queue import ask_for_errors, queued_error
from loopdiag.probes.icmp.packet import Dialect
from loopdiag.probes.outcome import errno_name, family_of, outcome_of, sockaddr

if TYPE_CHECKING:
    from loopdiag.probes.icmp.packet import Message

TYPES = {"raw": socket.SOCK_RAW, "datagram": socket.SOCK_DGRAM}
PAYLOAD = bytes(range(0x10, 0x10 + 56))  # as much as ping(8) sends
_ROOM = 512  # bytes: our reply with the longest IPv4 header


def echo_once(address: str, timeout: float, types: tuple[str, ...] = ("raw", "datagram")) -> IcmpEcho:
    """Send one request to a numeric address (with its zone) through the first of `types` that may be opened.

    What goes wrong is data: no OSError leaves.
    """
    refused: list[tuple[str, str]] = []
    for kind in types:
        try:
            opened = _open(address, kind)
        except OSError as fault:
            refused.append((kind, errno_name(fault.errno or errno.EIO)))
            continue
        with opened:
            return _Exchange(opened, address, kind, tuple(refused)).run(timeout)
    return IcmpEcho(
        address=address, outcome=Outcome.DENIED, errno=refused[-1][1], failed_call="socket",
        refused_sockets=tuple(refused), seconds=0.0,
    )  # fmt: skip


def _open(address: str, kind: str) -> socket.socket:
    family = family_of(address)
    protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
    return socket.socket(family, TYPES[kind], protocol)


class _Exchange:
    def __init__(self, opened: socket.socket, address: str, kind: str, refused: tuple[tuple[str, str], ...]) -> None:
        self._socket, self._address, self._kind, self._refused = opened, address, kind, refused
        self._version = 6 if opened.family == socket.AF_INET6 else 4
        self._identifier: int | None = None

    def run(self, timeout: float) -> IcmpEcho:
        began = time.perf_counter()
        call = "bind"
        try:
            self._prepare()
            where = sockaddr(self._address, 0)
            call = "connect"
            self._socket.connect(where)
            call = "sendto"
            began = time.perf_counter()
            self._socket.send(self._dialect.request(1))
        except OSError as fault:
            return self._seen(outcome_of(fault.errno or 0), began, fault.errno, call)
        return self._listen(began, timeout)

    def _prepare(self) -> None:
        self._socket.setblocking(False)
        ask_for_errors(self._socket)
        if self._kind == "datagram":
            self._socket.bind(("", 0))
            self._identifier = self._socket.getsockname()[1]
        else:
            self._identifier = int.from_bytes(os.urandom(2), "big")
        self._dialect = Dialect(self._version, self._identifier, PAYLOAD)

    def _listen(self, began: float, timeout: float) -> IcmpEcho:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        while (left := began + timeout - time.perf_counter()) > 0:
            if not poll.poll(left * 1000):
                break
            error = queued_error(self._socket)
            if error:
                return self._seen(outcome_of(error.number), began, error.number, error_from=error.sender)
            message = self._receive()
            if message and message.sequence == 1:
                return self._seen(Outcome.REPLIED, began, message=message)
        return self._seen(Outcome.TIMED_OUT, began)

    def _receive(self) -> Message | None:
        try:
            data = self._socket.recv(_ROOM)
        except OSError:
            return None
        return self._dialect.reply(data, None, ip_header=self._version == 4 and self._kind == "raw")

    def _seen(
        self, outcome: Outcome, began: float, number: int | None = None, call: str | None = None, *,
        message: Message | None = None, error_from: str | None = None,
    ) -> IcmpEcho:  # fmt: skip
        return IcmpEcho(
            address=self._address,
            outcome=outcome,
            errno=errno_name(number) if number else None,
            seconds=time.perf_counter() - began,
            local=self._local(),
            sequence=1,
            identifier=self._identifier,
            socket_type=self._kind,
            failed_call=call,
            refused_sockets=self._refused,
            bytes=message.size if message else None,
            ttl=message.ttl if message else None,
            error_from=error_from,
        )

    def _local(self) -> str | None:
        name = str(self._socket.getsockname()[0])
        return None if name in ("0.0.0.0", "::") else name.partition("%")[0]
