"""`port-in-time-wait`, `port-held-by-connection`, `self-connect`: a connection has the port, and nobody listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.binding.holders import Hold, evidence, hold, holders, names
from loopdiag.explain.binding.in_use import refused_binds
from loopdiag.explain.evidence import known, seen
from loopdiag.model.bind import Bind
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.socket import Socket
    from loopdiag.model.unknown import Unknown

TIME_WAIT = 60  # seconds, TCP_TIMEWAIT_LEN: fixed when the kernel is built


def held_by_connections(case: Case) -> Iterator[Finding]:
    """Every bind that failed with EADDRINUSE where only connections hold the port."""
    sockets = known(case.facts.sockets)
    for bind in refused_binds(case) if sockets is not None else ():
        there = holders(bind, sockets or ())
        if not there or not bind.port:
            continue
        kind = hold(there[0])
        if kind is Hold.SELF:
            yield _self_connected(bind, there[0])
        elif kind is Hold.ENDING:
            yield _ending(bind, there)
        elif kind is Hold.CONNECTED:
            yield _connected(bind, there, sockets or (), case.facts.sysctls or {})


def reuse_is_meant_for(bind: Bind, sockets: Sequence[Socket], sysctls: Mapping[str, str | Unknown]) -> bool:
    """SO_REUSEADDR is the usual answer to all that holds the port: remains of connections that were accepted there."""
    there = holders(bind, sockets)
    return bool(there) and all(
        hold(one) is Hold.ENDING or (hold(one) is Hold.CONNECTED and not _outgoing(one, sockets, sysctls)[0])
        for one in there
    )


def reuse_was_needed(case: Case) -> Iterator[Finding]:
    """A bind that went well with SO_REUSEADDR only."""
    for bind in case.observations:
        if not isinstance(bind, Bind) or not bind.outcome.good or not bind.reuseaddr:
            continue
        there = [one for one in holders(bind, known(case.facts.sockets) or ()) if hold(one) is Hold.ENDING]
        if bind.attempt(reuseaddr=False) and there:
            yield Finding(
                cause="port-in-time-wait",
                severity=Severity.NOTE,
                subject=bind.to,
                statement=f"{_count(there)} on port {bind.port} would keep a server from binding {bind.to} that does "
                f"not set SO_REUSEADDR",
                evidence=(Evidence(bind.label, "EADDRINUSE without SO_REUSEADDR, bound with it"), *evidence(there)),
                fixes=(Fix("let the server set SO_REUSEADDR before bind(), as nearly all do"),),
            )


def self_connected_port(case: Case) -> Iterator[Finding]:
    """A connection refused at a port where a client has connected to itself: it has the port, and serves nobody."""
    sockets = known(case.facts.sockets) or ()
    told: dict[Socket, Finding] = {}
    for attempt in case.failed:
        if attempt.kind != "tcp-connect" or attempt.errno != "ECONNREFUSED":
            continue
        itself = [
            one for one in sockets if one.port == attempt.port and one.protocol == "tcp" and hold(one) is Hold.SELF
        ]
        listening = any(one.port == attempt.port and one.state == "LISTEN" for one in sockets)
        here = [one for one in itself if one.address == attempt.address.partition("%")[0]]
        one = next(iter(here or itself), None)
        if one and not listening and (here or one not in told):  # best told of the address that it has
            told[one] = _told_of(attempt.to, one, (seen(attempt),))
    yield from told.values()


def _self_connected(bind: Bind, one: Socket) -> Finding:
    return _told_of(bind.to, one, (seen(bind),))


def _told_of(subject: str, one: Socket, first: tuple[Evidence, ...]) -> Finding:
    owner = one.process
    return Finding(
        cause="self-connect",
        subject=subject,
        statement=f"{names(one)} has connected to itself: its connection from {one.local} goes to {one.peer}, the "
        f"same socket, so the port is taken and nobody serves it",
        evidence=(*first, *evidence([one])),
        fixes=(
            Fix(f"end that connection by restarting {names(one)}", f"kill {owner.pid}" if owner else None),
            Fix("do not retry connects to a port of the ephemeral range in a tight loop, or serve on a port below it"),
        ),
    )


def _ending(bind: Bind, there: Sequence[Socket]) -> Finding:
    reuse = bind.attempt(reuseaddr=True)
    would = reuse is not None and reuse.errno is None
    tail = (
        "; with SO_REUSEADDR it can be bound at once"
        if would
        else f"; the kernel gives it free within {TIME_WAIT} s of the last one's end"
    )
    wait = Fix(f"wait up to {TIME_WAIT} s")
    return Finding(
        cause="port-in-time-wait",
        subject=bind.to,
        statement=f"nothing has port {bind.port} but {_count(there)}, left behind by connections that have ended, so "
        f"{bind.to} cannot be bound without SO_REUSEADDR{tail}",
        evidence=(seen(bind), *evidence(there), *_with_reuse(bind)),
        fixes=(Fix("let the server set SO_REUSEADDR before bind()"), wait) if would or reuse is None else (wait,),
    )


def _count(there: Sequence[Socket]) -> str:
    states = " and ".join(dict.fromkeys(one.state for one in there))
    return f"{len(there)} socket{'s' if len(there) > 1 else ''} in {states}"


def _connected(
    bind: Bind, there: Sequence[Socket], sockets: Sequence[Socket], sysctls: Mapping[str, str | Unknown]
) -> Finding:
    live = [one for one in there if hold(one) is Hold.CONNECTED]
    outgoing = [(one, sure) for one in live for is_so, sure in [_outgoing(one, sockets, sysctls)] if is_so]
    if not outgoing:
        return _left_behind(bind, live)
    first, sure = max(outgoing, key=lambda pair: pair[1])
    return Finding(
        cause="port-held-by-connection",
        certainty=Certainty.PROVEN if sure else Certainty.LIKELY,
        subject=bind.to,
        statement=f"{names(first)} uses port {bind.port} as the source port of its connection from {first.local} to "
        f"{first.peer}, so {bind.to} cannot be bound while that connection lasts",
        evidence=(seen(bind), *evidence([first, *(one for one in live if one is not first)]), *_with_reuse(bind)),
        fixes=(
            Fix("end that connection, or let the client use another source port"),
            Fix(
                "keep the port out of the range that outgoing connections take theirs from",
                f"sysctl net.ipv4.ip_local_reserved_ports={bind.port}",
            ),
        ),
    )


def _with_reuse(bind: Bind) -> tuple[Evidence, ...]:
    reuse = bind.attempt(reuseaddr=True)
    return (Evidence(f"{bind.label} with SO_REUSEADDR", reuse.errno or "bound"),) if reuse else ()


def _left_behind(bind: Bind, live: Sequence[Socket]) -> Finding:
    return Finding(
        cause="port-in-use",
        certainty=Certainty.LIKELY,
        subject=bind.to,
        statement=f"{names(live[0])} still has connections that a former listener on port {bind.port} accepted "
        f"({live[0].local} with {live[0].peer}), so {bind.to} cannot be bound without SO_REUSEADDR",
        evidence=(seen(bind), *evidence(live), *_with_reuse(bind)),
        fixes=(Fix(f"end {names(live[0])}"), Fix("let the server set SO_REUSEADDR before bind()")),
    )


def _outgoing(one: Socket, sockets: Sequence[Socket], sysctls: Mapping[str, str | Unknown]) -> tuple[bool, bool]:
    """Whether `one` is the side that connected, and whether that is sure: sock_diag does not tell the two apart."""
    if one.state == "SYN-SENT" or one.protocol == "udp":
        return True, True
    listens = any(
        other.state == "LISTEN" and other.port == one.peer_port and other.address in (one.peer_address, "0.0.0.0", "::")
        for other in sockets
    )
    if listens:
        return True, True
    text = known(sysctls.get("net.ipv4.ip_local_port_range"))
    bounds = text.split() if text else ["32768", "60999"]
    ephemeral = range(int(bounds[0]), int(bounds[1]) + 1)
    return one.port in ephemeral or (one.peer_port or 0) not in ephemeral, False
