"""One way to look for each kind of target: cheap enough to be done hundreds of times a second."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

from loopdiag.diagnose.awaiting.look import Look
from loopdiag.diagnose.awaiting.service import ServiceLook, speaks
from loopdiag.diagnose.awaiting.tcp import TcpLook
from loopdiag.diagnose.awaiting.udp import UdpLook
from loopdiag.diagnose.awaiting.words import state_of
from loopdiag.model.readiness import State
from loopdiag.probes.outcome import errno_name, family_of, sockaddr

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.model.readiness import Wish
    from loopdiag.model.target import Target

ECHO = (0.05, 1.0)  # seconds for an echo: of an address of this host, of another


def look_at(target: Target, address: str, wish: Wish) -> Look:
    """The way to look at one address (or path) of the target."""
    if target.transport == "file":
        return FileLook(address)
    if target.transport == "unix":
        return UnixLook(address)
    own = is_own(address)
    if target.transport == "icmp":
        return EchoLook(address, own=own)
    if target.transport == "udp":
        return UdpLook(target, address, own=own)
    if speaks(target):
        return ServiceLook(target, address, wish.status, own=own)
    return TcpLook(address, target.port or 0, own=own)


def is_own(address: str) -> bool:
    """Whether packets to this address stay on this host: only its own addresses can be bound. Sends nothing."""
    try:
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as scout:
            scout.bind(sockaddr(address, 0))
    except OSError:
        return False
    return True


class FileLook(Look):
    """A path: anything there, a symbolic link to nothing is not."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._error = 0  # of the last stat(2)

    def look(self) -> State:
        """stat(2)."""
        self._error = self._stat()
        if not self._error:
            return State(ready=True, there=True, says="is there")
        missing = self._error in (errno.ENOENT, errno.ENOTDIR)
        says = "is not there" if missing else f"cannot be looked at ({errno_name(self._error)})"
        return State(ready=False, there=False, says=says)

    def unchanged(self) -> Callable[[], bool]:
        """stat(2) says what it said."""
        return lambda: self._stat() == self._error

    def _stat(self) -> int:
        try:
            os.stat(self._path)  # noqa: PTH116 - hundreds of times a second
        except OSError as fault:
            return fault.errno or errno.EIO
        return 0


class UnixLook(Look):
    """A UNIX socket's path."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._missing = False

    def look(self) -> State:
        """One connect(); a full accept queue is no answer."""
        from loopdiag.probes.unix import connect_unix

        seen = connect_unix(self._path, 0.0)
        self._missing = seen.errno == "ENOENT"
        if self._missing:
            return State(ready=False, there=False, says="is not there", seen=seen)
        return state_of(seen)

    def unchanged(self) -> Callable[[], bool] | None:
        """No file is there."""
        return (lambda: not os.path.lexists(self._path)) if self._missing else None


class EchoLook(Look):
    """One echo request at a time."""

    def __init__(self, address: str, *, own: bool) -> None:
        self._address, self._patience = address, ECHO[0 if own else 1]
        self._pause = 0.0 if own else 0.2

    def look(self) -> State:
        """One request, one answer or none."""
        from loopdiag.probes.echo_once import echo_once

        return state_of(echo_once(self._address, self._patience), pause=self._pause)
