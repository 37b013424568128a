"""`ephemeral-ports-exhausted`, `self-connect`: what the choice of the client's own port can bring: ip(7)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.listeners.serving import family_of
from loopdiag.explain.own import setting
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.routed import routed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.observation import Observation
    from loopdiag.model.socket import Socket

RANGE, RESERVED = "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports"  # of IPv6 too
_NO_PORT_LEFT = {"tcp-connect": "EADDRNOTAVAIL", "udp": "EAGAIN"}
_NEARLY = 0.9


def exhausted(case: Case) -> Iterator[Finding]:
    """The kernel found no source port, and the sockets of this host are seen to hold (nearly) all there are."""
    sockets = known(case.facts.sockets)
    ports = choosable(case)
    if sockets is None or ports is None:
        return
    for one in case.failed:
        if _NO_PORT_LEFT.get(one.kind) != one.errno or one.outcome.good:
            continue
        taken = [each for each in sockets if _takes(each, one) and each.port in ports]
        used = {each.port for each in taken}
        if len(used) >= min(_NEARLY * len(ports), capacity(len(ports))):
            yield _finding(case, one, ports, taken)


def bounds(case: Case) -> tuple[int, int] | None:
    """The first and the last port of the range that connect() and bind() to port 0 take one from."""
    text = (setting(case, RANGE) or "").split()
    return (int(text[0]), int(text[1])) if len(text) == 2 else None


def choosable(case: Case) -> frozenset[int] | None:
    """The ports of that range which are not reserved; None where it was not read."""
    ends = bounds(case)
    if ends is None:
        return None
    low, high = ends
    reserved: set[int] = set()
    for part in (setting(case, RESERVED) or "").split(","):
        first, _, last = part.strip().partition("-")
        if first.isdecimal():
            reserved.update(range(int(first), int(last or first) + 1))
    return frozenset(range(low, high + 1)) - reserved


def spoken_for(used: int, ends: tuple[int, int], ports: frozenset[int]) -> str:
    """How the range is used up: `4 of the 4 ports from 50000 to 50003 are in use`, and how much of it is reserved."""
    low, high = ends
    kept = high - low + 1 - len(ports)
    if not ports:
        return f"all {kept} ports from {low} to {high} are reserved ({RESERVED})"
    more = f", and {kept} more are reserved ({RESERVED})" if kept else ""
    return f"{used} of the {len(ports)} ports from {low} to {high} are in use{more}"


def capacity(ports: int) -> int:
    """How many of so many ports connect() finds: an odd number of them loses one in __inet_hash_connect()."""
    return ports & ~1 if ports > 1 else ports


def _takes(each: Socket, one: Observation) -> bool:
    """Whether it keeps its port from this attempt: it is bound, or connected to the same destination.

    __inet_hash_connect() of the kernel passes over every port that some socket was bound to by bind().
    """
    if each.protocol != ("udp" if one.kind == "udp" else "tcp"):
        return False
    if each.protocol == "udp" or each.peer_port is None:
        return True
    return each.peer_port == one.port and each.peer_address == routed(one.address)


def _finding(case: Case, one: Observation, ports: frozenset[int], taken: Sequence[Socket]) -> Finding:
    used = len({each.port for each in taken})
    states = ", ".join(f"{count} {state}" for state, count in Counter(each.state for each in taken).most_common(4))
    ends = bounds(case) or (0, 0)
    low, high = ends
    return Finding(
        cause="ephemeral-ports-exhausted",
        certainty=Certainty.PROVEN if used >= capacity(len(ports)) else Certainty.LIKELY,
        subject=one.to,
        statement=f"no source port is left for connections to {one.to}: {spoken_for(used, ends, ports)}",
        evidence=(
            seen(one),
            Evidence(f"sysctl {RANGE}", setting(case, RANGE) or "?"),
            *((Evidence(f"sysctl {RESERVED}", setting(case, RESERVED) or "?"),) if len(ports) <= high - low else ()),
            Evidence(f"{family_of(routed(one.address))} sockets on ports {low} to {high}", states),
        ),
        fixes=(
            Fix("let clients keep connections open and use them again, instead of opening new ones"),
            Fix("widen the range of source ports", f"sysctl -w {RANGE}='15000 64999'"),
        ),
    )


def met_itself(case: Case) -> Iterator[Finding]:
    """The probe got its own destination as source port: TCP connected it to itself. RFC 9293, 3.5."""
    for one in case.observations:
        if (
            not isinstance(one, TcpConnect)
            or one.outcome is not Outcome.FAILED
            or not one.peer
            or one.peer != one.local
        ):
            continue
        yield Finding(
            cause="self-connect",
            subject=one.to,
            statement=f"nothing listens on {one.to}: the connection got {one.local} as its own source port and was "
            f"joined to itself",
            evidence=(Evidence(one.label, f"local and remote endpoint are both {one.local}"),),
            fixes=(
                Fix(f"start the service that should listen on port {one.port}"),
                Fix(
                    "keep the port out of the range that source ports are chosen from",
                    f"sysctl -w {RESERVED}={one.port}",
                ),
            ),
        )
