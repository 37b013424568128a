"""Whether anybody listens for one address and port, asked again and again: sock_diag(7), without NLM_F_DUMP.

The kernel looks the socket up as it would for a SYN or a datagram: on that address or the wildcard, IPv6 sockets that
serve IPv4 too. That is a tenth of what a refused connection costs, and no packet is sent.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

from loopdiag.host.linux.netlink import HEADER, NLM_F_REQUEST, NLMSG_ERROR, SOCK_DIAG, because
from loopdiag.host.linux.sock_diag import LISTENING, SOCK_DIAG_BY_FAMILY, request_for
from loopdiag.model.unknown import Unknown

_ERROR = struct.Struct("=4xH10xi")  # of an answer: its type, and the error number where that is NLMSG_ERROR


class ListenerWatch:
    """A netlink socket of its own and the question, ready to be sent. `close` it in the end."""

    def __init__(self, where: tuple[Any, ...], protocol: str) -> None:
        body = _request(where, protocol)
        self._request = HEADER.pack(HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0) + body
        self._answer = bytearray(1024)
        self._link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, SOCK_DIAG)
        self._link.connect((0, 0))  # to the kernel

    def absent(self) -> bool:
        """No listener was found; who answers through nat or another namespace cannot be. Raises OSError."""
        self._link.send(self._request)
        self._link.recv_into(self._answer, 0, socket.MSG_DONTWAIT)  # the kernel has answered within send()
        return _ERROR.unpack_from(self._answer) == (NLMSG_ERROR, -errno.ENOENT)

    def close(self) -> None:
        """Leave nothing open."""
        self._link.close()


def watch_listener(where: tuple[Any, ...], protocol: str = "tcp") -> ListenerWatch | Unknown:
    """The watch for a socket address, IPv4 or IPv6, of `tcp` or `udp`; Unknown where netlink is withheld."""
    watch = None
    try:
        watch = ListenerWatch(where, protocol)
        watch.absent()
    except OSError as fault:
        if watch:
            watch.close()
        return Unknown("whether anybody listens there", because(fault))
    return watch


def _request(where: tuple[Any, ...], protocol: str) -> bytes:
    """`where` is as sockaddr of getaddrinfo(3): with the zone's index for IPv6.

    The one that is looked for is the source of a TCP request, and the destination of a UDP one: udp_dump_one() of Linux
    looks up the receiver of a packet.
    """
    end = (where[0].partition("%")[0], where[1])
    source, destination = (end, None) if protocol == "tcp" else (None, end)
    return request_for(protocol, LISTENING[protocol], source, destination, where[3] if len(where) > 3 else 0)
