"""One way to look for each kind of target: cheap enough to be done hundreds of times a second."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Protocol

from loopdiag.diagnose.awaiting.service import ServiceLook, speaks
from loopdiag.diagnose.awaiting.tcp import TcpLook
from loopdiag.diagnose.awaiting.udp import UdpLook
from loopdiag.diagnose.awaiting.words import state_of
from loopdiag.model.readiness import State
from loopdiag.probes.outcome import errno_name, family_of, sockaddr

if TYPE_CHECKING:
    from loopdiag.model.readiness import Wish
    from loopdiag.model.target import Target

ECHO = (0.05, 1.0)  # seconds for an echo: of an address of this host, of another


class Look(Protocol):
    """Looks once; None where it is too early to tell anything new."""

    def look(self) -> State | None: ...
    def close(self) -> None: ...


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


class FileLook:
    """A path: anything there, a symbolic link to nothing is not."""

    def __init__(self, path: str) -> None:
        self._path = path

    def look(self) -> State:
        """stat(2)."""
        try:
            os.stat(self._path)  # noqa: PTH116 - a hundred times a second
        except OSError as fault:
            number = fault.errno or errno.EIO
            missing = number in (errno.ENOENT, errno.ENOTDIR)
            says = "is not there" if missing else f"cannot be looked at ({errno_name(number)})"
            return State(ready=False, there=False, says=says)
        return State(ready=True, there=True, says="is there")

    def close(self) -> None:
        """Nothing is open."""


class UnixLook:
    """A UNIX socket's path."""

    def __init__(self, path: str) -> None:
        self._path = path

    def look(self) -> State:
        """One connect(); a full accept queue is no answer."""
        from loopdiag.probes.unix import connect_unix

        seen = connect_unix(self._path, 0.0)
        if seen.errno == "ENOENT":
            return State(ready=False, there=False, says="is not there", seen=seen)
        return state_of(seen)

    def close(self) -> None:
        """Nothing is open."""


class EchoLook:
    """One echo request at a time."""

    def __init__(self, address: str, *, own: bool) -> None:
        self._address, self._patience = address, ECHO[0 if own else 1]
        self._pause = 0.0 if own else 0.2

    def look(self) -> State:
        """One request, one answer or none."""
        from loopdiag.probes.echo_once import echo_once

        return state_of(echo_once(self._address, self._patience), pause=self._pause)

    def close(self) -> None:
        """Nothing is open."""
