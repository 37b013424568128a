"""The same target from two network namespaces: whose loopback is meant, and by which address one reaches the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import seen
from loopdiag.explain.listeners.other_side import inside, option
from loopdiag.explain.listeners.wording import listed, says, verb, where, who
from loopdiag.explain.reach import WILDCARDS
from loopdiag.model.address import Address, endpoint
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.observation import Observation
    from loopdiag.model.side import Side
    from loopdiag.model.socket import Socket
    from loopdiag.model.target import Target


def addresses_of(side: Side, family: int | None = None) -> tuple[str, ...]:
    """Those that listeners there serve others by, as far as their interface is up; of `family` (4, 6 or None)."""
    return tuple(one for one in _usable(side, family) if any(_serves(each, one) for each in side.listeners))


def _usable(side: Side, family: int | None) -> list[str]:
    """No loopback and no link-local address. One that lo has beside its own may be routed there: a virtual one."""
    every = [held.address for one in side.interfaces if one.up for held in one.addresses]
    wanted = [one for one in every if family is None or (":" in one) == (family == 6)]
    return [one for one in wanted if not Address(one).ip.is_link_local and not Address(one).ip.is_loopback]


def _serves(one: Socket, address: str) -> bool:
    family = "ipv6" if ":" in address else "ipv4"
    return family in one.families and (one.address in WILDCARDS or one.address == address)


def between(target: Target, here: Side, there: Side, family: int | None = None) -> Finding | None:
    """Why `here` does not get what `there` has on the port; None where nothing listens there, or both are one."""
    if not there.listeners or here.namespace == there.namespace:
        return None
    served = any(one.outcome.good for one in here.observations)
    direct = [one.to for one in here.observations if one.outcome.good and there.has(_bare(one)) and not _is_loop(one)]
    reached = list(dict.fromkeys((*direct, *(one.to for one in here.tried if one.outcome.good))))
    return Finding(
        cause="listener-other-namespace",
        severity=Severity.NOTE if served else Severity.ERROR,
        certainty=Certainty.PROVEN if served or not here.listeners else Certainty.LIKELY,
        subject=str(target),
        statement=f"{_loopback(target, here, there)}{_holders(there)} in {there.where}; {_way(here, there, reached)}",
        evidence=tuple(_evidence(here, there)),
        fixes=tuple(_fixes(target, here, there, reached, family)),
    )


def _bare(one: Observation) -> str:
    return one.address.partition("%")[0]


def _is_loop(one: Observation) -> bool:
    return Address(_bare(one)).ip.is_loopback


def _loopback(target: Target, here: Side, there: Side) -> str:
    """What people take for one address and is two."""
    loopback = [one.address for one in here.observations if _is_loop(one)]
    if not loopback:
        return ""
    name = target.host if target.address is None else loopback[0]
    return f"{name} in {here.where} is not {name} in {there.where}: each namespace has a loopback of its own; "


def _holders(side: Side) -> str:
    first = side.listeners[0]
    return f"{who(first)} {verb(first)} {listed(where(one) for one in side.listeners)}"


def _way(here: Side, there: Side, reached: Sequence[str]) -> str:
    untried = len(here.ways) - len(here.tried)
    if reached:
        return f"from {here.where} it is reached at {listed(reached)}"
    if here.tried:
        ways = listed(one.to for one in here.tried)
        more = f" ({untried} more addresses were not tried)" if untried else ""
        return f"{here.where} has a way to {ways}, and yet gets no connection there{more}"
    if here.ways:
        return f"{here.where} has a way to {listed(here.ways[:3])}, which was not tried"
    if not any(one.reach == "network" for one in there.listeners):
        return "only that namespace reaches it there"
    return f"no address of it was found that {here.where} reaches straight"


def _evidence(here: Side, there: Side) -> Iterator[Evidence]:
    yield from (Evidence(f"{one.label} from {here.where}", seen(one).says) for one in here.observations[:3])
    yield from (Evidence(f"{one.label} from {there.where}", seen(one).says) for one in there.observations[:3])
    for one in there.listeners[:3]:
        yield Evidence(f"{one.protocol} socket {where(one)} in {there.where}", says(one))
    yield from (Evidence(f"{one.label} from {here.where}", seen(one).says) for one in here.tried)


def _fixes(target: Target, here: Side, there: Side, reached: Sequence[str], family: int | None) -> Iterator[Fix]:
    first, port = there.listeners[0], target.port
    for end in reached[:2]:
        yield Fix(f"from {here.where}, connect to {end}", f"loopdiag connect {end}{option(here.where)}")
    if here.tried and not reached:
        for side in (here, there):
            ask = f"loopdiag why {here.tried[0].to}{option(side.where)}"
            yield Fix(f"find out in {side.where} what keeps packets from it", ask)
        return
    if here.ways and not here.tried:
        end, udp = endpoint(here.ways[0], port), " --udp" if first.protocol == "udp" else ""
        yield Fix(f"from {here.where}, ask {end}", f"loopdiag connect{udp} {end}{option(here.where)}")
        return
    if not reached:
        yield from _to_be_reached(there, family)
    unit = first.process.unit if first.process else None
    if unit and unit.startswith("container ") and first.protocol in ("tcp", "udp"):
        suffix = "/udp" if first.protocol == "udp" else ""
        yield Fix(f"publish the port when the container is made: -p 127.0.0.1:{port}:{port}{suffix}")
    elif not reached:
        joined = ", or join both by a veth pair or a bridge" if _usable(there, family) else ""
        yield Fix(f"forward port {port} from {here.where} to {there.where}{joined}")


def _to_be_reached(there: Side, family: int | None) -> Iterator[Fix]:
    """What the listener or its namespace lacks: a network, a device that others come by, an address for others."""
    loops = {one.name for one in there.interfaces if one.loopback}
    outward = replace(there, interfaces=tuple(one for one in there.interfaces if not one.loopback))
    first, own = there.listeners[0], _usable(outward, family)
    down = [one for one in there.interfaces if not one.up and not one.loopback]
    if not own and down:
        name = down[0].name
        yield Fix(f"set {name} up in {there.where}", inside(f"ip link set {name} up", there.where))
    elif not own:
        which = "" if family is None else f"IPv{family} "
        yield Fix(f"join {there.where} to a network: it has no {which}address but loopback and link-local ones")
    if first.device in loops:
        yield Fix(f"let {who(first)} listen without being bound to the device {first.device}")
    if any(_serves(first, one) for one in own) or (not own and first.address in WILDCARDS):
        return
    alike = [one for one in own if (":" in one) == (":" in first.address)] or own
    every = "::" if ":" in (alike[0] if alike else first.address) else "0.0.0.0"
    narrow = f", or on {alike[0]} alone" if alike else ""
    yield Fix(f"let {who(first)} listen on {every} in {there.where}{narrow}")
