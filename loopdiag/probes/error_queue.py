"""ICMP errors as a socket's error queue tells them: IP_RECVERR of ip(7), IPV6_RECVERR of ipv6(7). Linux only.

The queue tells who sent the error, and tells it at once: an ICMP error that reaches a TCP socket while connect() still
holds it is otherwise seen only when the SYN is sent again, a second later (tcp_v4_err() of net/ipv4/tcp_ipv4.c).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys

from loopdiag.model.value import dataclass

_IP_RECVERR, _IPV6_RECVERR, _MSG_ERRQUEUE = 11, 25, 0x2000
_ERROR = struct.Struct("=IBBBxII")  # struct sock_extended_err, the sender's sockaddr behind it: linux/errqueue.h
_ICMP = (2, 3)  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6


@dataclass(frozen=True, slots=True)
class QueuedError:
    """`number` is the errno; `sender` the address that the ICMP error came from, None where the kernel made it."""

    number: int
    sender: str | None


def ask_for_errors(socket_: socket.socket) -> None:
    """Have ICMP errors queued; where that cannot be had, they come as a plain errno."""
    if sys.platform == "linux":
        v6 = socket_.family == socket.AF_INET6
        with contextlib.suppress(OSError):
            socket_.setsockopt(
                socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP, _IPV6_RECVERR if v6 else _IP_RECVERR, 1
            )


def queued_error(socket_: socket.socket) -> QueuedError | None:
    """The oldest error in the queue, taken out of it."""
    if sys.platform != "linux":
        return None
    try:
        _, ancillary, _, _ = socket_.recvmsg(512, 512, _MSG_ERRQUEUE | socket.MSG_DONTWAIT)
    except OSError:
        return None
    for _, kind, data in ancillary:
        if kind in (_IP_RECVERR, _IPV6_RECVERR) and len(data) >= _ERROR.size:
            number, origin, *_ = _ERROR.unpack_from(data)
            return QueuedError(number, _sender(data[_ERROR.size :]) if origin in _ICMP else None)
    return None


def _sender(name: bytes) -> str | None:
    if len(name) < 8:
        return None
    (family,) = struct.unpack_from("=H", name)
    if family == socket.AF_INET:
        return socket.inet_ntop(family, name[4:8])
    if family == socket.AF_INET6 and len(name) >= 24:
        return socket.inet_ntop(family, name[8:24])
    return None
