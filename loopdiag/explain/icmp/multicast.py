"""`multicast-unavailable`: no route for the group, and no multicast on lo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.model.address import Address
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case


def multicast_unavailable(case: Case) -> Iterator[Finding]:
    """A multicast group that the kernel has no way to: no route, and no interface named that does multicast."""
    typed = case.target.address
    route = known(case.facts.route)
    for one in case.failed:
        if _is_group(one.address) and one.errno == "ENETUNREACH":
            yield from _no_way(case, one.address, one.to, seen(one))
            return
    if not case.observations and typed and typed.ip.is_multicast and route and route.errno == "ENETUNREACH":
        yield from _no_way(case, str(typed), str(typed), Evidence(route.question, route.errno))


def _is_group(address: str) -> bool:
    bare, _, zone = address.partition("%")
    if bare.startswith(("/", "@")):
        return False
    return Address(bare, zone or None).ip.is_multicast


def _no_way(case: Case, address: str, subject: str, evidence: Evidence) -> Iterator[Finding]:
    route = known(case.facts.route)
    if route and (route.rule_rejects or route.type in ("unreachable", "prohibit", "blackhole")):
        return
    interfaces = known(case.facts.interfaces)
    able = [one.name for one in interfaces or () if "multicast" in one.flags and one.up]
    lo = next((one for one in interfaces or () if one.loopback), None)
    without = lo is not None and "multicast" not in lo.flags
    proven = route is not None and route.errno is not None and interfaces is not None
    whole = "224.0.0.0/4" if ":" not in address else "ff00::/8"
    yield Finding(
        cause="multicast-unavailable",
        certainty=Certainty.PROVEN if proven else Certainty.LIKELY,
        subject=subject,
        statement=f"{address} is a multicast group, and this host has no route for it"
        + (" and no multicast on lo" if without else "")
        + ("" if able or interfaces is None else "; no other interface that is up does multicast either"),
        evidence=(
            evidence,
            *((Evidence(route.question, route.errno),) if route and route.errno else ()),
            *((Evidence(f"interface {lo.name}", "flags without MULTICAST"),) if lo and without else ()),
        ),
        fixes=(
            *((Fix(f"send it through an interface that does multicast, such as {able[0]}",
                   f"ip route add {whole} dev {able[0]}"),) if able else ()),
            *((Fix("or let it loop within this host",
                   "ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo"),) if ":" not in address else ()),
        ),
    )  # fmt: skip
