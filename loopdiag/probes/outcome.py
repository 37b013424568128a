"""What an errno of connect(), send() or recv() stands for, and endpoints to and from the socket calls."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from typing import Any

from loopdiag.model.address import endpoint
from loopdiag.model.observation import Outcome

_OUTCOMES = {
    errno.ECONNREFUSED: Outcome.REFUSED,
    errno.ETIMEDOUT: Outcome.TIMED_OUT,
    errno.ECONNRESET: Outcome.RESET,
    errno.EPIPE: Outcome.RESET,
    errno.EPERM: Outcome.DENIED,
    errno.EACCES: Outcome.DENIED,
    errno.ENETUNREACH: Outcome.UNREACHABLE,
    errno.EHOSTUNREACH: Outcome.UNREACHABLE,
    errno.ENETDOWN: Outcome.UNREACHABLE,
    errno.EHOSTDOWN: Outcome.UNREACHABLE,
}


def outcome_of(number: int) -> Outcome:
    """The outcome that an errno stands for; `failed` where it stands for none in particular."""
    return _OUTCOMES.get(number, Outcome.FAILED)


def errno_name(number: int) -> str:
    """`ECONNREFUSED` for 111, as errno(3) names it."""
    return errno.errorcode.get(number, f"errno {number}")


def family_of(address: str) -> socket.AddressFamily:
    """AF_INET6 for what holds a colon, else AF_INET."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def sockaddr(address: str, port: int) -> tuple[Any, ...]:
    """The sockaddr of a numeric address with its zone; raises OSError (ENODEV) where there is no such zone."""
    host = os.fsencode(address)  # of a str Python would load what it takes to encode host names
    try:
        found = socket.getaddrinfo(host, port, family_of(address), socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    except socket.gaierror as fault:
        raise OSError(errno.ENODEV, f"{address}: {fault.strerror}") from None
    return found[0][4]


def written(name: tuple[Any, ...]) -> str:
    """What getsockname() and recvfrom() give, as an endpoint with its zone."""
    address = str(name[0]).partition("%")[0]
    if len(name) == 4 and name[3]:
        with contextlib.suppress(OSError):
            address = f"{address}%{socket.if_indextoname(name[3])}"
    return endpoint(address, int(name[1]))
