"""Multicast: no route for it, or an interface that does not do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.asked import plain, route_says, troubles
from loopdiag.explain.own import interfaces, is_multicast
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.asked import Trouble
    from loopdiag.model.case import Case
    from loopdiag.model.interface import Interface
    from loopdiag.model.route import RouteAnswer

UNROUTED = ("ENETUNREACH", "EADDRNOTAVAIL", "ENODEV", "ENETDOWN")


def multicast_unavailable(case: Case) -> Iterator[Finding]:
    """A multicast group has no route, or leads to an interface without the flag MULTICAST (lo has none by itself)."""
    if case.command == "resolve":
        return
    for one in troubles(case):
        if one.answered or not is_multicast(one.address) or one.got("EINVAL"):
            continue
        answer = plain(case, one.address)
        if answer and not answer.errno and one.got("ENETUNREACH") and case.target.transport == "tcp":
            yield _by_tcp(one, answer)
            continue
        device = _device(case, one, answer.device if answer and not answer.errno else None)
        unrouted = one.got(*UNROUTED) and (answer is None or answer.errno is not None)
        if unrouted or (answer is not None and answer.errno == "ENETUNREACH"):
            yield _unavailable(case, one, device, Certainty.PROVEN)
        elif one.seen and device and "multicast" not in device.flags:
            yield _unavailable(case, one, device, Certainty.LIKELY)


def _device(case: Case, one: Trouble, routed_to: str | None) -> Interface | None:
    """The interface of the zone, or that of the route."""
    wanted = (one.zone, routed_to) if one.zone else (routed_to,)
    return next((each for each in interfaces(case) if {each.name, str(each.index)} & set(wanted)), None)


def _by_tcp(one: Trouble, answer: RouteAnswer) -> Finding:
    """There is a way to the group, yet TCP takes none of its addresses: RFC 9293 3.9.2.3, RFC 1122 4.2.3.10."""
    return Finding(
        cause="multicast-unavailable",
        subject=one.subject,
        statement=f"{one.address} is a multicast group, and TCP has no multicast: connections are made to one host's "
        "address only",
        evidence=(*one.evidence, route_says(answer)),
        fixes=(Fix("connect to the address of the one host that serves"), Fix("or send to the group by UDP")),
    )


def _unavailable(case: Case, one: Trouble, device: Interface | None, certainty: Certainty) -> Finding:
    able = [each.name for each in interfaces(case) if each.up and "multicast" in each.flags]
    if device and "multicast" not in device.flags:
        why = f"the interface {device.name} does not do multicast (it lacks the flag MULTICAST)"
    else:
        why = "no route leads to it"
    answer = plain(case, one.address)
    everything = "ff00::/8 dev lo table local" if one.six else "224.0.0.0/4 dev lo"
    return Finding(
        cause="multicast-unavailable",
        certainty=certainty,
        subject=one.subject,
        statement=f"{one.address} is a multicast group, and {why}",
        evidence=(
            *one.evidence,
            Evidence("interfaces", f"up and able to multicast: {', '.join(able) or 'none'}"),
            *((route_says(answer),) if answer else ()),
        ),
        fixes=(
            Fix(
                "let lo do multicast and lead the groups there",
                f"ip link set lo multicast on && ip route add {'multicast ' if one.six else ''}{everything}",
            ),
            Fix("or use an interface that does it, with IP_MULTICAST_IF or a zone"),
        ),
    )
