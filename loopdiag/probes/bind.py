"""Own a local address and port for as short as possible, and connect to it from this host meanwhile.

Never SO_REUSEPORT, and SO_REUSEADDR never for UDP: both would take connections or datagrams from who has the port.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.model.bind import Bind, BindTry
from loopdiag.model.errors import UsageError
from loopdiag.model.observation import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopdiag.model.bind import Way
    from loopdiag.model.observation import Observation

REUSE_IS_HARMLESS = sys.platform == "linux"  # elsewhere it lets a second listener in beside the first


class _CallError(Exception):
    def __init__(self, call: str, number: int | None) -> None:
        self.call = call
        # Windows has its own numbers for these, with names of their own: WSAEACCES
        self.name = errno.errorcode.get(number or 0, "EUNKNOWN").removeprefix("WSA")


def bind_and_connect(
    address: str, port: int, protocol: str, *, reuseaddr: bool, ways: Sequence[Way], timeout: float
) -> tuple[Bind, tuple[Observation, ...]]:
    """Bind (and listen), connect by every one of `ways` within `timeout` seconds in all, and let go of the port.

    Port 0 lets the kernel choose. Raises UsageError where `address` names a zone that does not exist.
    """
    began = time.perf_counter()
    try:
        holder = _bound(address, port, protocol, reuseaddr=reuseaddr, listen=True)
    except _CallError as fault:
        return _failed(address, port, protocol, fault, reuseaddr, time.perf_counter() - began), ()
    with holder:
        seen = _owned(holder, address, protocol, reuseaddr, time.perf_counter() - began)
        reached, strangers = _exchange(protocol)(holder, ways, timeout)
    return replace(seen, strangers=strangers), reached


def _exchange(
    protocol: str,
) -> Callable[[socket.socket, Sequence[Way], float], tuple[tuple[Observation, ...], tuple[str, ...]]]:
    if protocol == "udp":
        from loopdiag.probes.bound_udp import exchange_all

        return exchange_all
    from loopdiag.probes.bound_tcp import connect_all

    return connect_all


def try_bind(address: str, port: int, protocol: str, *, reuseaddr: bool) -> BindTry:
    """Bind without listening and let go at once: what bind() alone says, which disturbs nobody."""
    try:
        _bound(address, port, protocol, reuseaddr=reuseaddr, listen=False).close()
    except _CallError as fault:
        return BindTry(reuseaddr, fault.call, fault.name)
    return BindTry(reuseaddr)


def sockaddr(address: str, port: int, kind: int = socket.SOCK_STREAM) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """Family and sockaddr of a numeric address; raises UsageError for a zone that does not exist."""
    try:
        found = socket.getaddrinfo(os.fsencode(address), port, type=kind, flags=socket.AI_NUMERICHOST)[0]
    except socket.gaierror:
        zone = address.partition("%")[2]
        raise UsageError(f"'{address}' names the zone '{zone}', and there is no such interface") from None
    return found[0], found[4]


def _bound(address: str, port: int, protocol: str, *, reuseaddr: bool, listen: bool) -> socket.socket:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    family, where = sockaddr(address, port, kind)
    call = "socket"
    try:
        holder = socket.socket(family, kind)
    except OSError as fault:
        raise _CallError(call, fault.errno) from None
    try:
        if reuseaddr and protocol == "tcp":
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        call = "bind"
        holder.bind(where)
        if listen and protocol == "tcp":
            call = "listen"
            holder.listen(socket.SOMAXCONN)
    except OSError as fault:
        holder.close()
        raise _CallError(call, fault.errno) from None
    return holder


def _owned(holder: socket.socket, address: str, protocol: str, reuseaddr: bool, seconds: float) -> Bind:
    host, port = holder.getsockname()[:2]
    seen = Bind(address=address, port=port, outcome=Outcome.BOUND, seconds=seconds, protocol=protocol,
                reuseaddr=reuseaddr, families=_families(holder), tries=(BindTry(reuseaddr),))  # fmt: skip
    return replace(seen, local=replace(seen, address=host).to)


def _families(holder: socket.socket) -> tuple[str, ...]:
    if holder.family == socket.AF_INET:
        return ("ipv4",)
    only = holder.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    dual = not only and holder.getsockname()[0] == "::"
    return ("ipv4", "ipv6") if dual else ("ipv6",)


def _failed(address: str, port: int, protocol: str, fault: _CallError, reuseaddr: bool, seconds: float) -> Bind:
    denied = fault.name in ("EACCES", "EPERM")
    return Bind(
        address=address, port=port, outcome=Outcome.DENIED if denied else Outcome.FAILED, errno=fault.name,
        seconds=seconds, protocol=protocol, failed_call=fault.call, reuseaddr=reuseaddr,
        tries=(BindTry(reuseaddr, fault.call, fault.name),),
    )  # fmt: skip
