"""`listener-other-protocol`, `listener-other-namespace`: the port is served, but not in this protocol or not here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.listeners.refused import are_refused, protocol_name, refusals, refused, subject
from loopdiag.explain.listeners.serving import WILDCARDS, on_port, protocol_of
from loopdiag.explain.listeners.wording import end_of, holders_of, listed, says, shown, verb, way_in, where, who
from loopdiag.explain.own import is_loopback, setting
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.socket import Socket

_OTHER = {"tcp": "udp", "udp": "tcp"}
_MOST = 3  # namespaces that are named
_EPHEMERAL = (32768, 60999)  # what Linux starts with: net.ipv4.ip_local_port_range of ip(7)


def other_protocol(case: Case) -> Iterator[Finding]:
    """Refused by TCP while a UDP socket has the port, or the reverse."""
    attempts = [one for one in refused(case) if not one.there]
    others = tuple(
        dict.fromkeys(other for one in attempts for other in on_port(case, one.seen, _OTHER[protocol_of(one.seen)]))
    )
    if not others:
        return
    wanted, there = protocol_name(attempts), others[0].protocol.upper()
    chance = there == "UDP" and _is_ephemeral(case, others[0].port)
    yield Finding(
        cause="listener-other-protocol",
        certainty=Certainty.LIKELY if chance else Certainty.PROVEN,
        subject=subject(case, attempts),
        statement=f"{who(others[0])} {verb(others[0])} {listed(where(one) for one in others)} by {there} only; "
        f"nothing has the port by {wanted}, so {are_refused(attempts)}",
        evidence=(*refusals(attempts), *shown(others)),
        fixes=(
            Fix(f"ask by {there}", f"loopdiag why {there.lower()}://{attempts[0].to}"),
            Fix(f"let {who(others[0])} serve {wanted} too"),
        ),
    )


def _is_ephemeral(case: Case, port: int) -> bool:
    """Whether a client's UDP socket may have got the port by chance."""
    text = setting(case, "net.ipv4.ip_local_port_range") or ""
    low, high = (int(part) for part in text.split()) if len(text.split()) == 2 else _EPHEMERAL
    return low <= port <= high


def other_namespace(case: Case) -> Iterator[Finding]:
    """Nothing has the port here, and something has it in another network namespace."""
    attempts = [one for one in refused(case) if not one.there]
    if not attempts:
        return
    wanted = protocol_of(attempts[0].seen)
    others = [one for one in known(case.facts.elsewhere) or () if one.protocol == wanted]
    if not others:
        return
    yield Finding(
        cause="listener-other-namespace",
        certainty=Certainty.PROVEN if len(_by_space(others)) == 1 else Certainty.LIKELY,
        subject=subject(case, attempts),
        statement=f"{_there(others)}, whose localhost is not this one; nothing here has the port, so "
        f"{are_refused(attempts)}",
        evidence=(*refusals(attempts), *(Evidence(f"{one.protocol} socket {where(one)} in {one.namespace}", says(one))
                                         for one in others[:4])),
        fixes=_ways(others),
    )  # fmt: skip


def _by_space(others: Sequence[Socket]) -> dict[str, list[Socket]]:
    spaces: dict[str, list[Socket]] = {}
    for one in others:
        spaces.setdefault(one.namespace or "?", []).append(one)
    return spaces


def _there(others: Sequence[Socket]) -> str:
    """Who has the port in which namespace; of many the first."""
    spaces = _by_space(others)
    if len(spaces) == 1:
        return f"{holders_of(others)} in another network namespace ({next(iter(spaces))})"
    told = [f"{holders_of(held)} in {space}" for space, held in spaces.items()][:_MOST]
    more = f", and {len(spaces) - _MOST} more," if len(spaces) > _MOST else ""
    return f"{listed(told)}{more} in another network namespace each"


def _ways(others: Sequence[Socket]) -> tuple[Fix, ...]:
    first = others[0]
    inside = Fix("ask inside that namespace", f"loopdiag connect {way_in(first)} {end_of(first)}")
    publish = Fix(f"publish port {first.port} of the container or namespace on this host")
    if first.address not in WILDCARDS and is_loopback(first.address):
        bind = Fix(f"let {who(first)} listen on more than {first.address}, which only its own namespace reaches")
        return (bind, publish, inside)
    return (publish, Fix("or connect to an address of that namespace that this host has a route to"), inside)
