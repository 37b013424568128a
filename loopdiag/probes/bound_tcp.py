"""Connect to a listener of our own by many ways at once, and tell our connections from strangers' by a nonce."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

from loopdiag.model.address import endpoint
from loopdiag.model.bind import BoundConnect
from loopdiag.model.observation import Outcome
from loopdiag.probes.outcome import sockaddr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.bind import Way

NONCE = 16  # bytes
STRANGERS = 64  # at most so many are told of; a flood must not hold us
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: no TIME-WAIT stays behind on the port
_BIND_ADDRESS_NO_PORT = 24  # linux/in.h: the source port is chosen at connect()
_UNREACHABLE = ("ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EHOSTDOWN", "EADDRNOTAVAIL")
_IN_PROGRESS = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN)


def connect_all(
    listener: socket.socket, ways: Sequence[Way], timeout: float
) -> tuple[tuple[BoundConnect, ...], tuple[str, ...]]:
    """One connection by each way, all at once; `timeout` seconds for all together. Also who else connected."""
    with contextlib.ExitStack() as stack:
        return _Exchange(listener, stack).run(ways, timeout)


class Client:
    """One connection of ours. `answer` is what only our own listener can send back for `nonce`."""

    def __init__(self, way: Way, port: int) -> None:
        self.way, self.port = way, port
        self.nonce, self.answer = os.urandom(NONCE), os.urandom(NONCE)
        self.local: str | None = None
        self.peer: str | None = None
        self.seen_as: str | None = None
        self.accepted_at: str | None = None
        self.began = time.perf_counter()
        self.connected: float | None = None
        self.ended: tuple[Outcome, str | None] | None = None
        self.socket: socket.socket | None = None

    def start(self, stack: contextlib.ExitStack) -> None:
        """Begin to connect; an error at once is an outcome as any other."""
        family = socket.AF_INET6 if ":" in self.way.destination else socket.AF_INET
        try:
            self.socket = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            if self.way.source:
                bind_source(self.socket, self.way.source)
            code = self.socket.connect_ex(sockaddr(self.way.destination, self.port))
        except OSError as fault:
            code = fault.errno or errno.EIO
        if code not in (0, *_IN_PROGRESS):
            self.fail(code)

    def writable(self) -> bool:
        """The connection stands or failed; True where it stands, and our nonce is sent."""
        assert self.socket is not None
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.fail(code)
            return False
        self.connected = time.perf_counter()
        try:
            self.local, self.peer = name_of(self.socket.getsockname()), name_of(self.socket.getpeername())
            self.socket.send(self.nonce)
        except OSError as fault:
            self.fail(fault.errno or errno.EIO)
            return False
        return True

    def readable(self) -> None:
        """What came back: the answer, another's words, or the end."""
        assert self.socket is not None
        try:
            data = self.socket.recv(NONCE)
        except OSError as fault:
            self.fail(fault.errno or errno.EIO)
            return
        if data == self.answer:
            self.ended = (Outcome.CONNECTED, None)
        else:
            self.ended = (Outcome.FAILED if data else Outcome.CLOSED, None)

    def fail(self, code: int) -> None:
        """End with the outcome that this errno stands for."""
        self.ended = (outcome_of(code), errno.errorcode.get(code, "EUNKNOWN"))

    def observation(self, timeout: float) -> BoundConnect:
        """What this attempt saw; one that did not end has timed out."""
        outcome, name = self.ended or (Outcome.TIMED_OUT, None)
        other = self.connected is not None and outcome is not Outcome.CONNECTED
        seconds = (self.connected or time.perf_counter()) - self.began
        return BoundConnect(
            address=self.way.destination, port=self.port, outcome=outcome, errno=name, local=self.local or self.source,
            seconds=timeout if outcome is Outcome.TIMED_OUT and not other else seconds, peer=self.peer,
            gave_up="connected, but not to the socket that was just bound" if other else None,
            seen_as=self.seen_as, accepted_at=self.accepted_at,
        )  # fmt: skip

    @property
    def source(self) -> str | None:
        """The source address asked for."""
        return self.way.source


class _Exchange:
    def __init__(self, listener: socket.socket, stack: contextlib.ExitStack) -> None:
        self._listener, self._stack = listener, stack
        self._selector = stack.enter_context(selectors.DefaultSelector())
        self._clients: dict[bytes, Client] = {}
        self._peers: dict[socket.socket, str] = {}  # accepted, and not (yet) known as ours
        self._read: dict[socket.socket, bytes] = {}
        self._room = 0

    def run(self, ways: Sequence[Way], timeout: float) -> tuple[tuple[BoundConnect, ...], tuple[str, ...]]:
        self._room = len(ways) + STRANGERS
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        port = self._listener.getsockname()[1]
        clients = [Client(way, port) for way in ways]
        for client in clients:
            self._clients[client.nonce] = client
            client.start(self._stack)
            if client.socket is not None and client.ended is None:
                self._selector.register(client.socket, selectors.EVENT_WRITE, client)
        self._until_ended(clients, time.perf_counter() + timeout)
        self._accept()
        ours = {client.local for client in clients}
        strangers = tuple(peer for peer in self._peers.values() if peer not in ours)
        return tuple(client.observation(timeout) for client in clients), strangers

    def _until_ended(self, clients: Sequence[Client], deadline: float) -> None:
        while any(client.ended is None for client in clients):
            left = deadline - time.perf_counter()
            if left <= 0:
                return
            for key, events in self._selector.select(left):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.data, Client):
                    self._serve_client(key.data, events)
                elif isinstance(key.fileobj, socket.socket):
                    self._hear(key.fileobj)

    def _serve_client(self, client: Client, events: int) -> None:
        assert client.socket is not None
        if events & selectors.EVENT_READ:
            client.readable()
        elif client.writable():
            self._selector.modify(client.socket, selectors.EVENT_READ, client)
        if client.ended is not None:
            self._selector.unregister(client.socket)

    def _accept(self) -> None:
        """Take what waits. A stranger gets nothing, and is closed when our own are through."""
        while self._room:
            try:
                taken, peer = self._listener.accept()
            except OSError:
                return
            self._room -= 1
            self._stack.enter_context(taken)
            taken.setblocking(False)
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._peers[taken], self._read[taken] = name_of(peer), b""
            self._selector.register(taken, selectors.EVENT_READ)
        if self._listener in self._selector.get_map():
            self._selector.unregister(self._listener)

    def _hear(self, taken: socket.socket) -> None:
        try:
            data = taken.recv(NONCE - len(self._read[taken]))
        except OSError:
            data = b""
        self._read[taken] += data
        client = self._clients.get(self._read[taken])
        if client is not None:
            client.seen_as, client.accepted_at = self._peers.pop(taken), name_of(taken.getsockname())
            with contextlib.suppress(OSError):
                taken.send(client.answer)
        if client is not None or not data or len(self._read[taken]) >= NONCE:
            self._selector.unregister(taken)


def bind_source(client: socket.socket, source: str) -> None:
    """Take `source` as the local address and leave the port to connect()."""
    if sys.platform == "linux":
        client.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
    client.bind(sockaddr(source, 0))


def name_of(where: tuple[Any, ...]) -> str:
    """A sockaddr as an endpoint with its zone; an IPv4 peer of a dual-stack socket in its IPv4 form."""
    address = where[0].removeprefix("::ffff:") if "." in where[0] else where[0]
    if len(where) == 4 and where[3] and "%" not in address:
        with contextlib.suppress(OSError):
            address = f"{address}%{socket.if_indextoname(where[3])}"
    return endpoint(address, where[1])


def outcome_of(code: int) -> Outcome:
    """The outcome that an errno of connect(), send() or recv() stands for."""
    name = errno.errorcode.get(code, "")
    known = {"ECONNREFUSED": Outcome.REFUSED, "ETIMEDOUT": Outcome.TIMED_OUT, "ECONNRESET": Outcome.RESET,
             "EPERM": Outcome.DENIED, "EACCES": Outcome.DENIED}  # fmt: skip
    return known.get(name, Outcome.UNREACHABLE if name in _UNREACHABLE else Outcome.FAILED)
