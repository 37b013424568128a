"""A TCP listener and a UDP echo of our own on an own address, for as long as a comparison needs somebody to answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from loopdiag.probes.outcome import family_of, sockaddr

if TYPE_CHECKING:
    from types import TracebackType

_LARGEST = 65535


class Scratch:
    """Within the block `tcp` and `udp` are ports that answer; None where they could not be bound."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._tcp = self._bound(socket.SOCK_STREAM)
        self._udp = self._bound(socket.SOCK_DGRAM)

    @property
    def tcp(self) -> int | None:
        """The port of the listener."""
        return _port(self._tcp)

    @property
    def udp(self) -> int | None:
        """The port of the echo."""
        return _port(self._udp)

    def __enter__(self) -> Scratch:
        if self._tcp:
            self._tcp.listen(1)  # the kernel completes the handshake: nobody needs to accept
        if self._udp:
            threading.Thread(target=self._answer, args=(self._udp,), name="loopdiag-echo", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bound in (self._tcp, self._udp):
            if bound:
                with contextlib.suppress(OSError):
                    bound.shutdown(socket.SHUT_RDWR)  # wakes the thread
                bound.close()

    def _bound(self, kind: socket.SocketKind) -> socket.socket | None:
        try:
            opened = socket.socket(family_of(self._address), kind)
        except OSError:
            return None
        try:
            opened.bind(sockaddr(self._address, 0))
        except OSError:
            opened.close()
            return None
        return opened

    def _answer(self, echo: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, sender = echo.recvfrom(_LARGEST)
                if not sender:
                    return
                echo.sendto(data, sender)


def _port(bound: socket.socket | None) -> int | None:
    if bound is None:
        return None
    number: int = bound.getsockname()[1]
    return number
