"""Ping one address: the whole probe, from the socket to the observations."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

from loopdiag.model.echo import EchoPlan, IcmpEcho, Statistics
from loopdiag.model.value import dataclass
from loopdiag.probes.icmp.configure import configure
from loopdiag.probes.icmp.control import Control
from loopdiag.probes.icmp.engine import Engine
from loopdiag.probes.icmp.ledger import nothing_sent, observation
from loopdiag.probes.icmp.options import WAIT, WAIT_AT_HOME, EchoOptions, check
from loopdiag.probes.icmp.sockets import Refused, open_socket, source_for
from loopdiag.probes.outcome import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.model.address import Address
    from loopdiag.model.echo import EchoEvent
    from loopdiag.probes.icmp.sockets import EchoSocket


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoRun:
    """What came of it. `left_out` counts the requests without an observation of their own in `observations`."""

    plan: EchoPlan
    observations: tuple[IcmpEcho, ...]
    statistics: Statistics
    left_out: int = 0


def ping_address(
    address: Address, options: EchoOptions, *, host: str | None = None, control: Control | None = None,
    watch: Callable[[EchoEvent], None] | None = None,
) -> EchoRun:  # fmt: skip
    """Send echo requests as `options` say. What the host does wrong is in the observations.

    `host` is the name as typed; `watch` is told of everything as it happens; `control` ends it early. Raises
    UsageError where the options cannot be had: too large, too fast for this user, no such interface.
    """
    version = 4 if address.family == socket.AF_INET else 6
    check(options, version)
    sock = open_socket(version)
    typed = host or str(address)
    if isinstance(sock, Refused):
        return _not_permitted(sock, address, EchoPlan(host=typed, address=str(address), size=options.size,
                                                      socket_type=None, identifier=None))  # fmt: skip
    try:
        device, source = configure(sock, options)
        sock.prepare(address, options.payload())
        plan = _plan(sock, typed, address, options, device, source)
        return _run(sock, plan, address, options, control or Control(), watch)
    finally:
        sock.close()


def _run(
    sock: EchoSocket, plan: EchoPlan, address: Address, options: EchoOptions, control: Control,
    watch: Callable[[EchoEvent], None] | None,
) -> EchoRun:  # fmt: skip
    if watch:
        watch(plan)
    # Others than the one asked may answer for a group, a broadcast address (connect() gives no source), or 0.0.0.0.
    several = address.ip.is_multicast or address.ip.is_unspecified or plan.source is None
    wait = _wait(plan, address, options)
    engine = Engine(sock, options, control, watch, wait=wait, expect=None if several else address.text)
    engine.run()
    ledger = engine.ledger
    seen = tuple(
        observation(request, plan, min(wait, engine.ended - request.sent))
        for request in ledger.requests(open_since=engine.ended - engine.linger())
    )
    counts = ledger.statistics()
    return EchoRun(plan=plan, observations=seen, statistics=counts, left_out=counts.transmitted - len(seen))


def _wait(plan: EchoPlan, address: Address, options: EchoOptions) -> float:
    """The kernel takes an own address as the source of packets to itself."""
    if options.wait is not None:
        return options.wait
    return WAIT_AT_HOME if address.ip.is_loopback or plan.source == address.text else WAIT


def _plan(
    sock: EchoSocket, typed: str, address: Address, options: EchoOptions, device: str | None, source: str | None
) -> EchoPlan:
    return EchoPlan(
        host=typed, address=str(address), size=options.size, socket_type=sock.kind, identifier=sock.identifier,
        source=source_for(address, sock.kind, source, device), device=device,
        source_chosen=options.interface is not None,
        pattern=options.pattern.hex() if options.pattern else None, filtered=sock.filtered, stamped=sock.stamped,
    )  # fmt: skip


def _not_permitted(refused: Refused, address: Address, plan: EchoPlan) -> EchoRun:
    last = refused.tries[-1][1]
    seen = IcmpEcho(
        address=str(address), outcome=outcome_of(getattr(errno, last, 0)), errno=last, failed_call="socket",
        refused_sockets=refused.tries, groups=tuple(dict.fromkeys((os.getegid(), *os.getgroups()))),
    )  # fmt: skip
    return EchoRun(plan=plan, observations=(seen,), statistics=nothing_sent())
