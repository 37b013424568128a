"""UNIX sockets that listen or are bound to a path: sock_diag(7), linux/unix_diag.h, unix(7)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from loopdiag.host.linux.netlink import SOCK_DIAG, attributes, dump, reading
from loopdiag.host.linux.sock_diag import SOCK_DIAG_BY_FAMILY
from loopdiag.model.socket import UnixSocket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.unknown import Unknown

AF_UNIX = 1
REQUEST = struct.Struct("=BBHIIIII")  # family, protocol, pad, states, inode, show, cookie: struct unix_diag_req
MESSAGE = struct.Struct("=BBBBIII")  # family, type, state, pad, inode, cookie: struct unix_diag_msg
SHOW_NAME, SHOW_RQLEN = 0x1, 0x10
UNIX_DIAG_NAME, UNIX_DIAG_RQLEN = 0, 4
TYPES = {1: "stream", 2: "dgram", 5: "seqpacket"}
ESTABLISHED, CLOSE, LISTEN = 1, 7, 10
STATES = {ESTABLISHED: "ESTABLISHED", CLOSE: "UNCONN", LISTEN: "LISTEN"}


def read_unix_sockets(*, listening: bool = True) -> tuple[UnixSocket, ...] | Unknown:
    """The sockets of this network namespace that have a path or an abstract name, without owners. Needs no privilege.

    With `listening` those that can be connected or sent to; else the server's ends of connections too.
    """
    return reading("UNIX sockets", lambda: tuple(_read(listening)))


def _read(listening: bool) -> Iterator[UnixSocket]:
    states = 1 << LISTEN | 1 << CLOSE | (0 if listening else 1 << ESTABLISHED)
    body = REQUEST.pack(AF_UNIX, 0, 0, states, 0, SHOW_NAME | SHOW_RQLEN, 0, 0)
    for message in dump(SOCK_DIAG, SOCK_DIAG_BY_FAMILY, body):
        found = parse_unix(message)
        if found is not None:
            yield found


def parse_unix(message: bytes) -> UnixSocket | None:
    """One struct unix_diag_msg with its attributes; None for a socket without a name."""
    _, kind, state, _, inode, _, _ = MESSAGE.unpack_from(message)
    found = attributes(message, MESSAGE.size)
    name = found.get(UNIX_DIAG_NAME, b"")
    if not name.strip(b"\0"):
        return None
    queue, limit = struct.unpack("=II", found[UNIX_DIAG_RQLEN]) if UNIX_DIAG_RQLEN in found else (0, 0)
    return UnixSocket(
        path=_path(name),
        type=TYPES.get(kind, str(kind)),
        state=STATES.get(state, str(state)),
        inode=inode,
        queue=queue,
        queue_limit=limit if state == LISTEN else 0,
    )


def _path(name: bytes) -> str:
    """`/path`, or `@name` for the abstract namespace, whose names begin with NUL."""
    abstract = name.startswith(b"\0")
    text = name.lstrip(b"\0") if abstract else name.split(b"\0", 1)[0]
    return ("@" if abstract else "") + text.rstrip(b"\0").decode(errors="replace")
