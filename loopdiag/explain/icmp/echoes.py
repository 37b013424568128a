"""What the facts say about echo requests: whose address it is, how far they came, which interfaces they crossed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loopdiag.explain.evidence import known
from loopdiag.model.address import Address
from loopdiag.model.echo import IcmpEcho

if TYPE_CHECKING:
    from loopdiag.model.case import Case
    from loopdiag.model.facts import Facts
    from loopdiag.model.route import RouteAnswer


class Count(NamedTuple):
    """What the kernel's ICMP counted during the probe, of all processes together."""

    requests_in: int
    replies_out: int
    replies_in: int


_COUNTERS = {
    4: ("Icmp.InEchos", "Icmp.OutEchoReps", "Icmp.InEchoReps"),
    6: ("Icmp6.InEchos", "Icmp6.OutEchoReplies", "Icmp6.InEchoReplies"),
}


LOOPBACK_FOR = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # the kernel takes an unspecified destination for loopback


def counted(facts: Facts, version: int) -> Count | None:
    """How far echo requests and replies came in this host; None where the counters were not read."""
    counters = known(facts.counters)
    if counters is None:
        return None
    return Count(*(counters.protocol.get(name, 0) for name in _COUNTERS[version]))


def echoes(case: Case) -> dict[str, list[IcmpEcho]]:
    """The echo requests by address, in order."""
    groups: dict[str, list[IcmpEcho]] = {}
    for one in case.observations:
        if isinstance(one, IcmpEcho):
            groups.setdefault(one.address, []).append(one)
    return groups


def locality(address: str, facts: Facts) -> str:
    """`local` (this host's own), `group` (multicast or broadcast), `anycast`, or `other`."""
    bare = Address(address.partition("%")[0])
    route = route_of(address, facts)
    kind = route.type if route else None
    if bare.ip.is_multicast or kind in ("broadcast", "multicast"):
        return "group"
    if kind == "anycast":
        return "anycast"
    if bare.ip.is_loopback or bare.ip.is_unspecified or kind == "local" or _held(bare.text, facts):
        return "local"
    return "other"


def astray(address: str, one: IcmpEcho, facts: Facts) -> str | None:
    """The device that -I bound the socket to, where the route of this own address does not lead through it.

    SO_BINDTODEVICE of socket(7).
    """
    if one.device is None or locality(address, facts) != "local":
        return None
    bare = address.partition("%")[0]
    bound = [each for each in known(facts.interfaces) or () if one.device in (each.name, each.master)]
    if any(each.loopback or any(own.address == bare for own in each.addresses) for each in bound):
        return None
    return one.device


def withheld(address: str, one: IcmpEcho, facts: Facts) -> str | None:
    """The interface whose replies a socket bound to lo is not given, though they cross lo.

    They count as come through the interface that has the address: ip_route_output_key_hash_rcu(), inet_iif().
    """
    count = counted(facts, 6 if ":" in address else 4)
    if one.device is None or one.outcome.good or not count or not count.replies_in:
        return None
    interfaces = known(facts.interfaces) or ()
    if not any(each.loopback and each.name == one.device for each in interfaces):
        return None
    holders = [each for each in interfaces if any(own.address == address for own in each.addresses)]
    return holders[0].name if holders and not any(each.loopback for each in holders) else None


def _held(address: str, facts: Facts) -> bool:
    return any(own.address == address for each in known(facts.interfaces) or () for own in each.addresses)


def route_of(address: str, facts: Facts) -> RouteAnswer | None:
    """The kernel's answer for this address, if it was asked."""
    bare = LOOPBACK_FOR.get(address, address.partition("%")[0])
    asked = [facts.route, *(known(facts.routes) or ())]
    answers = [one for one in map(known, asked) if one is not None]
    return next((one for one in answers if one.destination == bare and one.way == "there"), None)


def crossings(facts: Facts) -> list[tuple[str, int]] | None:
    """Packets by interface during the probe: lo once each, others in both directions; None where it was not read."""
    counters = known(facts.counters)
    if counters is None:
        return None
    loops = {each.name for each in known(facts.interfaces) or () if each.loopback} or {"lo"}
    counts = [
        (name, counters.sent.get(name, 0) + (0 if name in loops else received))
        for name, received in counters.received.items()
    ]
    return sorted(counts, key=lambda pair: pair[0] not in loops)
