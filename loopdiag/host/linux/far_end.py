"""The other end of a connection of our own, where that is a socket of this network namespace: sock_diag(7)."""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING

from loopdiag.host.linux.netlink import SOCK_DIAG, NetlinkError, ask, because
from loopdiag.host.linux.sock_diag import SOCK_DIAG_BY_FAMILY, parse_socket, read_inet_sockets
from loopdiag.model.target import split_port
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from loopdiag.model.socket import Socket

WHAT = "the other end of the connection"
# struct inet_diag_req_v2 with its struct inet_diag_sockid: ports and addresses in network order, no cookie
_REQUEST = struct.Struct("=BBBxIHH16s16sI8s")
_ALL, _NO_COOKIE = 0xFFFFFFFF, b"\xff" * 8


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
    (mine, my_port), (its, its_port) = _end(local), _end(peer)
    family = socket.AF_INET6 if ":" in mine else socket.AF_INET
    address, _, zone = its.partition("%")
    body = _REQUEST.pack(
        family, socket.IPPROTO_TCP, 0, _ALL, socket.htons(its_port), socket.htons(my_port), _packed(family, address),
        _packed(family, mine.partition("%")[0]), socket.if_nametoindex(zone) if zone else 0, _NO_COOKIE,
    )  # fmt: skip
    try:
        found = parse_socket(ask(SOCK_DIAG, SOCK_DIAG_BY_FAMILY, body), "tcp", {})
    except NetlinkError as fault:
        if fault.errno in (errno.ENOENT, errno.ESTALE):
            return None
        raise
    return found if found.peer_port == my_port else None  # or it is the listener that a new packet would meet


def _by_port(local: str) -> Socket | None:
    """Where nat lies in between, only our own port is left to know it by."""
    _, port = _end(local)
    return next((one for one in read_inet_sockets("tcp", port=port) if one.peer_port == port), None)


def _end(endpoint: str) -> tuple[str, int]:
    host, port = split_port(endpoint)
    return host, int(port or 0)


def _packed(family: int, address: str) -> bytes:
    return socket.inet_pton(family, address).ljust(16, b"\0")
