"""The same target from two network namespaces: whose loopback is meant, and by which address one reaches the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import seen
from loopdiag.explain.listeners.wording import listed, says, verb, where, who
from loopdiag.explain.reach import WILDCARDS
from loopdiag.model.address import Address, endpoint
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.side import Side
    from loopdiag.model.socket import Socket
    from loopdiag.model.target import Target

_MOST = 8  # addresses of the other side that are tried


def addresses_of(side: Side) -> tuple[str, ...]:
    """Those of its interfaces that up listeners there serve others by: no loopback, no link-local address."""
    every = [held.address for one in side.interfaces if one.up and not one.loopback for held in one.addresses]
    usable = [one for one in every if not Address(one).ip.is_link_local and not Address(one).ip.is_loopback]
    return tuple(one for one in usable if any(_serves(each, one) for each in side.listeners))[:_MOST]


def _serves(one: Socket, address: str) -> bool:
    family = "ipv6" if ":" in address else "ipv4"
    return family in one.families and (one.address in WILDCARDS or one.address == address)


def between(target: Target, here: Side, there: Side) -> Finding | None:
    """Why `here` does not get what `there` has on the port; None where nothing listens there, or both are one."""
    if not there.listeners or here.namespace == there.namespace:
        return None
    served = any(one.outcome.good for one in here.observations)
    reached = [one.to for one in here.tried if one.outcome.good]
    return Finding(
        cause="listener-other-namespace",
        severity=Severity.NOTE if served else Severity.ERROR,
        certainty=Certainty.PROVEN if served or not here.listeners else Certainty.LIKELY,
        subject=str(target),
        statement=f"{_loopback(target, here, there)}{_holders(there)} in {there.where}; {_way(here, there, reached)}",
        evidence=tuple(_evidence(here, there)),
        fixes=tuple(_fixes(target, here, there, reached)),
    )


def _loopback(target: Target, here: Side, there: Side) -> str:
    """What people take for one address and is two."""
    loopback = [one.address for one in here.observations if Address(one.address.partition("%")[0]).ip.is_loopback]
    if not loopback:
        return ""
    name = target.host if target.address is None else loopback[0]
    return f"{name} in {here.where} is not {name} in {there.where}: each namespace has a loopback of its own; "


def _holders(side: Side) -> str:
    first = side.listeners[0]
    return f"{who(first)} {verb(first)} {listed(where(one) for one in side.listeners)}"


def _way(here: Side, there: Side, reached: Sequence[str]) -> str:
    if reached:
        return f"from {here.where} it is reached at {listed(reached)}"
    if not any(one.reach == "network" for one in there.listeners):
        return "only that namespace reaches it there"
    return f"no address of it was found that {here.where} reaches"


def _evidence(here: Side, there: Side) -> Iterator[Evidence]:
    yield from (Evidence(f"{one.label} from {here.where}", seen(one).says) for one in here.observations[:3])
    yield from (Evidence(f"{one.label} from {there.where}", seen(one).says) for one in there.observations[:3])
    for one in there.listeners[:3]:
        yield Evidence(f"{one.protocol} socket {where(one)} in {there.where}", says(one))
    yield from (Evidence(f"{one.label} from {here.where}", seen(one).says) for one in here.tried)


def _fixes(target: Target, here: Side, there: Side, reached: Sequence[str]) -> Iterator[Fix]:
    for end in reached[:2]:
        yield Fix(f"from {here.where}, connect to {end}", f"loopdiag connect {end}{_option(here.where)}")
    first, port = there.listeners[0], target.port
    own = _own(there)
    if not own:
        yield Fix(f"join {there.where} to a network: it has no address but those of its loopback")
    if all(one.reach == "host" and one.address not in WILDCARDS for one in there.listeners):
        every = "::" if first.address == "::1" else "0.0.0.0"
        narrow = f", or on {own} alone" if own else ""
        yield Fix(f"let {who(first)} listen on {every} in {there.where}{narrow}")
    unit = first.process.unit if first.process else None
    if unit and unit.startswith("container ") and first.protocol in ("tcp", "udp"):
        suffix = "/udp" if first.protocol == "udp" else ""
        yield Fix(f"publish the port when the container is made: -p 127.0.0.1:{port}:{port}{suffix}")
    elif not reached:
        joined = ", or join both by a veth pair or a bridge" if own else ""
        yield Fix(f"forward port {port} from {here.where} to {there.where}{joined}")


def _option(where: str) -> str:
    """What moves a command into that namespace."""
    kind, colon, name = where.partition(":")
    if colon and kind in ("pid", "container"):
        return f" --{kind} {name}"
    return "" if " " in where else f" --netns {where}"


def _own(side: Side) -> str | None:
    """The first address by which others could come."""
    for one in side.interfaces:
        for held in one.addresses:
            if one.up and not one.loopback and not Address(held.address).ip.is_link_local:
                return endpoint(held.address, None)
    return None
