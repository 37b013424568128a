"""Connect to a UNIX socket by its path, or its abstract name: unix(7)."""

from __future__ import annotations

import errno
import os
import socket
import stat
import time
from typing import TYPE_CHECKING, Any

from loopdiag.model.observation import Outcome, UnixConnect
from loopdiag.probes.outcome import errno_name, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 1.0  # seconds
AGAIN = 0.02  # seconds between two tries while the accept queue is full
_TYPES = {"stream": socket.SOCK_STREAM, "datagram": socket.SOCK_DGRAM, "seqpacket": socket.SOCK_SEQPACKET}


def connect_unix(
    path: str, timeout: float = TIMEOUT, *, patience: Callable[[], str | None] | None = None
) -> UnixConnect:
    """Connect to `path` (`@name` for an abstract socket) by the type that it has, then close.

    A full accept queue gives EAGAIN; it is tried again for `timeout` seconds, as a blocking connect() would wait.
    No OSError leaves.
    """
    began = time.perf_counter()
    kind, number = _of_its_type(path)
    while number == errno.EAGAIN and time.perf_counter() - began < timeout and not (patience and patience()):
        time.sleep(AGAIN)
        number = _try(path, kind)
    return UnixConnect(
        address=path,
        outcome=_outcome(number),
        errno=errno_name(number) if number else None,
        seconds=time.perf_counter() - began,
        socket_type=kind,
        **(_file(path) if number else {}),
    )


def _file(path: str) -> dict[str, Any]:
    """What lies at the path, as far as this user may see it."""
    try:
        found = os.stat(path)  # noqa: PTH116 - pathlib is not loaded for this
    except (OSError, ValueError):
        return {}
    kinds = ((stat.S_ISSOCK, "socket"), (stat.S_ISREG, "regular file"), (stat.S_ISDIR, "directory"),
             (stat.S_ISFIFO, "named pipe"))  # fmt: skip
    kind = next((name for test, name in kinds if test(found.st_mode)), "device")
    return {"file_type": kind, "file_mode": stat.S_IMODE(found.st_mode), "file_owner": found.st_uid}


def _of_its_type(path: str) -> tuple[str, int]:
    """The type of the socket at `path`, and the errno of connecting to it by that type."""
    for kind in _TYPES:
        number = _try(path, kind)
        if number != errno.EPROTOTYPE:
            return kind, number
    return "stream", errno.EPROTOTYPE


def _try(path: str, kind: str) -> int:
    name = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, _TYPES[kind]) as one:
            one.setblocking(False)
            return one.connect_ex(name)
    except OSError as fault:
        return fault.errno or errno.EIO


def _outcome(number: int) -> Outcome:
    if number == 0:
        return Outcome.CONNECTED
    return Outcome.TIMED_OUT if number == errno.EAGAIN else outcome_of(number)
