"""The other end of a connection of our own, where that is a socket of this network namespace: sock_diag(7)."""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING

from loopdiag.host.linux.netlink import SOCK_DIAG, NetlinkError, ask, because
from loopdiag.host.linux.sock_diag import ALL, SOCK_DIAG_BY_FAMILY, parse_socket, read_inet_sockets, request_for
from loopdiag.model.target import split_port
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from loopdiag.model.socket import Socket

WHAT = "the other end of the connection"


def read_far_end(local: str, peer: str) -> Socket | Unknown | None:
    """The TCP socket that `peer` has for the connection from `local` (endpoints as our socket tells them).

    None where this network namespace has none: it is elsewhere, or gone, or never came to be. Needs no privilege.
    """
    try:
        return _exactly(local, peer) or _by_port(local)
    except (OSError, ValueError, struct.error) as fault:
        return Unknown(WHAT, because(fault) if isinstance(fault, OSError) else f"sock_diag is not understood ({fault})")


def _exactly(local: str, peer: str) -> Socket | None:
    """By its addresses and ports, as an arriving packet would find it: the work of a look-up, on the largest host."""
    (mine, port), (its, its_port) = _end(local), _end(peer)
    address, _, zone = its.partition("%")
    body = request_for("tcp", ALL, (address, its_port), (mine.partition("%")[0], port),
                       socket.if_nametoindex(zone) if zone else 0)  # fmt: skip
    try:
        found = parse_socket(ask(SOCK_DIAG, SOCK_DIAG_BY_FAMILY, body), "tcp", {})
    except NetlinkError as fault:
        if fault.errno in (errno.ENOENT, errno.ESTALE):
            return None
        raise
    return found if found.peer_port == port else None  # or it is the listener that a new packet would meet


def _by_port(local: str) -> Socket | None:
    """Where nat lies in between, only our own port is left to know it by."""
    _, port = _end(local)
    return next((one for one in read_inet_sockets("tcp", port=port) if one.peer_port == port), None)


def _end(endpoint: str) -> tuple[str, int]:
    host, port = split_port(endpoint)
    return host, int(port or 0)
