"""`port-in-use`, `port-taken-by-system`: another socket owns the port."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from loopdiag.explain.binding.holders import WILDCARDS, Hold, evidence, hold, holders, names
from loopdiag.explain.evidence import known, seen
from loopdiag.explain.listeners.source_ports import bounds, choosable, spoken_for
from loopdiag.model.bind import Bind
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.process import Process
    from loopdiag.model.socket import Socket

# Processes of the system itself that keep a well-known port: name -> what it is, and how it is switched off.
_AIRPLAY = (
    "the AirPlay Receiver of macOS",
    "switch AirPlay Receiver off in System Settings, General, AirDrop & Handoff",
)
_SYSTEM = {
    "ControlCenter": _AIRPLAY,
    "ControlCe": _AIRPLAY,  # as lsof and psutil cut it
    "System": (
        "the HTTP service of the Windows kernel (http.sys)",
        "see who asked for it: netsh http show servicestate",
    ),
}


def in_use(case: Case) -> Iterator[Finding]:
    """Every bind that failed with EADDRINUSE because of a socket that is bound or listens there."""
    sockets = known(case.facts.sockets)
    for bind in refused_binds(case):
        if not bind.port:
            yield from _no_free_port(case, bind, sockets)
        elif sockets is not None:
            there = holders(bind, sockets)
            if not there:
                yield _unseen_holder(bind)
            elif hold(there[0]) is Hold.OWNS:
                yield _owned(bind, [one for one in there if hold(one) is Hold.OWNS])


def refused_binds(case: Case) -> Iterator[Bind]:
    """The binds that ended with EADDRINUSE."""
    for one in case.observations:
        if isinstance(one, Bind) and one.errno == "EADDRINUSE":
            yield one


def _owned(bind: Bind, there: Sequence[Socket]) -> Finding:
    first = there[0]
    owner = first.process
    system = _SYSTEM.get(owner.name) if owner else None
    if system and owner and (owner.name != "System" or owner.pid == 4):
        return _system(bind, there, owner, *system)
    return Finding(
        cause="port-in-use",
        subject=bind.to,
        statement=f"{names(first)} {_has(first)}{_and_so(bind, first)}",
        evidence=(seen(bind), *evidence(there)),
        fixes=_fixes(bind, first),
    )


def _has(one: Socket) -> str:
    where = f"{one.local} (through {one.device} only)" if one.device else one.local
    if one.state == "LISTEN":
        return f"listens on {where}"
    if one.protocol == "udp":
        return f"has bound UDP {where}"
    return f"has bound {where} without listening there"


def _and_so(bind: Bind, one: Socket) -> str:
    if one.address == "::" and "ipv4" in one.families and bind.families != ("ipv6",) and ":" not in bind.address:
        return f", and a dual-stack :: owns the port for IPv4 too, so {bind.to} cannot be bound"
    if bind.address == "::" and one.families == ("ipv4",):
        return f", and {bind.to} would serve IPv4 too, so it cannot be bound (for IPv6 alone, IPV6_V6ONLY, it can)"
    if one.address in WILDCARDS and bind.address not in WILDCARDS:
        return f", which covers every address, so {bind.to} cannot be bound"
    if bind.address in WILDCARDS and one.address != bind.address:
        return f", so {bind.to}, which would cover that address too, cannot be bound"
    return f", so {bind.to} cannot be bound a second time"


def _fixes(bind: Bind, one: Socket) -> tuple[Fix, ...]:
    owner = one.process
    letter = "u" if bind.protocol == "udp" else "t"
    stop = Fix(f"stop {names(one)}, if it should not have the port", f"kill {owner.pid}" if owner else None)
    if owner and owner.unit and owner.unit.endswith((".service", ".socket")):
        stop = Fix(f"stop {owner.unit}, if it should not have the port", f"systemctl stop {owner.unit}")
    look = Fix("see who has the port", f"ss -H{letter}anp 'sport = :{bind.port}'")
    return (stop, Fix("use another port"), *(() if owner else (look,)))


def _system(bind: Bind, there: Sequence[Socket], owner: Process, what: str, off: str) -> Finding:
    return Finding(
        cause="port-taken-by-system",
        subject=bind.to,
        statement=f"{owner} is {what}, and it has port {bind.port}",
        evidence=(seen(bind), *evidence(there)),
        fixes=(Fix("use another port"), Fix(off)),
    )


def _unseen_holder(bind: Bind) -> Finding:
    return Finding(
        cause="port-in-use",
        certainty=Certainty.LIKELY,
        subject=bind.to,
        statement=f"the kernel says that {bind.to} is in use, by a socket that its socket table does not show "
        f"(one that is bound without listening is shown from Linux 6.8 on)",
        evidence=(seen(bind), Evidence("socket table", f"shows no socket that overlaps with {bind.to}")),
        fixes=(Fix("use another port"),),
    )


def _no_free_port(case: Case, bind: Bind, sockets: Sequence[Socket] | None) -> Iterator[Finding]:
    """Port 0 asks for any port of the ephemeral range: EADDRINUSE says that all of it is taken or reserved."""
    ends, ports = bounds(case), choosable(case)
    if ends is None or ports is None:
        return
    low, high = ends
    inside = [one for one in sockets or () if low <= one.port <= high and one.protocol == bind.protocol]
    taken = len(ports.intersection(one.port for one in inside))
    by = Counter(names(one) for one in inside if known(one.owners)).most_common(1)
    who = f", most of them by {by[0][0]}" if by else ""
    yield Finding(
        cause="port-in-use",
        certainty=Certainty.PROVEN if taken >= len(ports) else Certainty.LIKELY,
        subject=bind.to,
        statement=f"no free port is left to choose from: {spoken_for(taken, ends, ports)}{who}",
        evidence=(seen(bind), Evidence("sysctl net.ipv4.ip_local_port_range", f"{low} {high}"), *evidence(inside, 2)),
        fixes=(
            Fix("close what holds the ports"),
            Fix("widen the range", "sysctl net.ipv4.ip_local_port_range='1024 65535'"),
        ),
    )
