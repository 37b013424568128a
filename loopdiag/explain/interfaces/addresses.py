"""Addresses: on no interface here, not yet (or never) usable, or link-local without their interface."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address
from typing import TYPE_CHECKING

from loopdiag.explain.asked import REJECTING, Trouble, asked, plain, route_says, troubles
from loopdiag.explain.behind import behind
from loopdiag.explain.evidence import known
from loopdiag.explain.listeners.serving import protocol_of
from loopdiag.explain.own import (
    HOST_WIDE,
    covering,
    interfaces,
    is_loopback,
    is_multicast,
    on_link,
    own,
    own_addresses,
    served_here,
    six_taken,
)
from loopdiag.model.address import endpoint
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.behind import Behind
    from loopdiag.explain.own import Own
    from loopdiag.model.case import Case
    from loopdiag.model.route import RouteAnswer

LINK_LOCAL = (IPv6Network("fe80::/10"), IPv6Network("ff02::/16"))  # RFC 4291 2.5.6 and 2.7


def address_not_local(case: Case) -> Iterator[Finding]:
    """The address is on no interface of this host, and so neither can be bound nor reached as its own."""
    if known(case.facts.interfaces) is None or case.command == "resolve":
        return
    for one in troubles(case):
        if not _is_other(case, one):
            continue
        if one.binding and one.got("EADDRNOTAVAIL"):
            yield _not_local(case, one, ", so nothing can be bound to it", Certainty.PROVEN)
        elif not one.binding and (one.seen or six_taken(case, one.address)):
            yield from _elsewhere(case, one)


def _is_other(case: Case, one: Trouble) -> bool:
    """The address is neither this host's nor made local by a route, nor a matter for another rule."""
    answer = plain(case, one.address)
    if answer is not None and answer.type == "broadcast":
        return own(case, one.address) is None
    special = is_loopback(one.address) or is_multicast(one.address) or _needs_zone(one)
    made_local = answer is not None and answer.type in ("local", *REJECTING)
    return not special and not made_local and covering(case, one.address) is None


def _elsewhere(case: Case, one: Trouble) -> Iterator[Finding]:
    """A connection that failed: it went out to another host, or to none."""
    answer = plain(case, one.address)
    if answer and answer.type == "broadcast":
        yield _not_local(
            case,
            one,
            f": it is the broadcast address of {answer.device}, which no connection can be made to",
            Certainty.PROVEN,
        )
    elif answer is None or answer.errno:
        if lost := six_taken(case, one.address):
            yield _not_local(case, one, f": {lost}", Certainty.LIKELY)
        elif server := served_here(case, one.address):
            waits = f"{server.process or 'a server'} on {server.local} waits for connections to own addresses"
            none = f"no interface but lo has an {'IPv6' if one.six else 'IPv4'} address"
            yield _not_local(case, one, f": {none}, while {waits}", Certainty.LIKELY)
    else:
        yield _out_there(case, one, answer)


def _out_there(case: Case, one: Trouble, answer: RouteAnswer) -> Finding:
    """Packets to it left this host, or this network namespace."""
    there = behind(case, endpoint(one.address, case.target.port), protocol_of(one.seen[0])) if one.seen else None
    if one.answered:
        served = Severity.ERROR if known(case.facts.listeners) else Severity.WARNING
        if there:
            by = f"another network namespace of this machine: {there.says}"
            return _not_local(case, one, f", so the answer came from {by}", Certainty.PROVEN, there=there)
        return _not_local(case, one, ", so the answer came from another host", Certainty.LIKELY, served)
    if there:
        return _not_local(case, one, f": {there.says}, and no answer came", Certainty.LIKELY, there=there)
    where = f", so the packets leave by {answer.device}" + (f" to {answer.gateway}" if answer.gateway else "")
    nobody = f"{where}, where nobody answers for it" if on_link(case, one.address) else where
    return _not_local(case, one, nobody, Certainty.LIKELY)


def _not_local(
    case: Case,
    one: Trouble,
    so: str,
    certainty: Certainty,
    severity: Severity = Severity.ERROR,
    there: Behind | None = None,
) -> Finding:
    answer = plain(case, one.address)
    mine = [held for held in own_addresses(case) if (":" in held.address.address) == one.six]
    shown = ", ".join(f"{held.address.address} ({held.interface.name})" for held in mine[:6]) or "none"
    near = on_link(case, one.address)
    device = near.name if near else "DEV"
    bits = 128 if one.six else 32
    anywhere = "::" if one.six else "0.0.0.0"
    fix = (
        Fix(f"listen on {anywhere}, or on an address that this host has")
        if one.binding
        else Fix("use an address that this host has, or 127.0.0.1" if not one.six else "use an address of this host")
    )
    give = Fix("or give the address to an interface", f"ip addr add {one.address}/{bits} dev {device}")
    # What another namespace has is not to be taken from it; what listens here may be what was meant.
    fixes = (there.fix, *((fix,) if known(case.facts.listeners) else ())) if there else (fix, give)
    return Finding(
        cause="address-not-local",
        severity=severity,
        certainty=certainty,
        subject=one.subject,
        statement=f"{one.address} is on no interface of this host{so}",
        evidence=(
            Evidence("interfaces", f"{'IPv6' if one.six else 'IPv4'} addresses of this host: {shown}"),
            *one.evidence,
            *((route_says(answer),) if answer else ()),
            *(there.evidence if there else ()),
        ),
        fixes=fixes,
    )


def source_not_local(case: Case) -> Iterator[Finding]:
    """`route --from`: the kernel lets this host send with an address of its own alone as source."""
    for answer in asked(case) if case.command == "route" else ():
        source = answer.asked_from
        if answer.way != "there" or answer.errno is None or source is None or answer.input_device or ":" in source:
            continue
        if answer.type is None and known(case.facts.interfaces) is not None and covering(case, source) is None:
            yield _not_local(case, Trouble(source), ", so this host cannot send with it as source", Certainty.PROVEN)


def address_tentative(case: Case) -> Iterator[Finding]:
    """Duplicate address detection (RFC 4862 5.4) has not finished for an own address, or found it taken."""
    for one in troubles(case):
        held = own(case, one.address, one.zone)
        if held and not one.answered and _unusable(held):
            yield _tentative(held, one.subject, one.evidence)
    if case.command in HOST_WIDE:
        for held in own_addresses(case):
            if _unusable(held):
                failed = "dadfailed" in held.address.flags
                yield _tentative(held, held.address.address, (), Severity.WARNING if failed else Severity.NOTE)


def _unusable(held: Own) -> bool:
    flags = held.address.flags
    return "dadfailed" in flags or ("tentative" in flags and "optimistic" not in flags)


def _tentative(held: Own, subject: str, tried: tuple[Evidence, ...], severity: Severity = Severity.ERROR) -> Finding:
    address, device = held.address.address, held.interface.name
    if "dadfailed" in held.address.flags:
        why = "duplicate address detection found another host with it, so the kernel does not use it"
        fixes = (Fix("take the address off one of the two hosts"), _again(held))
    else:
        why = "duplicate address detection has not finished, so it cannot be used yet"
        idle = "" if held.interface.running else f" ({device} has no carrier, so it cannot finish)"
        fixes = (Fix(f"wait until it has finished{idle}"), _again(held))
    return Finding(
        cause="address-tentative",
        severity=severity,
        subject=subject,
        statement=f"{address} is on {device}, but {why}",
        evidence=(Evidence(f"interface {device}", f"{address} is {', '.join(held.address.flags)}"), *tried),
        fixes=fixes,
    )


def _again(held: Own) -> Fix:
    address = f"{held.address.address}/{held.address.prefix}"
    return Fix("or add it without the detection", f"ip addr replace {address} dev {held.interface.name} nodad")


def zone_missing(case: Case) -> Iterator[Finding]:
    """A link-local address without its interface, or with another one than its own."""
    for one in troubles(case):
        held = own(case, one.address, one.zone)
        if _needs_zone(one):
            yield _zone(case, one, held)
        elif one.zone and held and one.zone not in (held.interface.name, str(held.interface.index)):
            yield _zone(case, one, held, wrong=True)


def _needs_zone(one: Trouble) -> bool:
    return one.six and one.zone is None and any(ip_address(one.address) in network for network in LINK_LOCAL)


def _zone(case: Case, one: Trouble, held: Own | None, *, wrong: bool = False) -> Finding:
    has_link_local = [each.name for each in interfaces(case) if any(a.scope == "link" for a in each.addresses)]
    zone = held.interface.name if held else has_link_local[0] if has_link_local else "INTERFACE"
    said = f"it is on {zone}, not on {one.zone}" if wrong else "it was used without its zone (the interface)"
    where = (
        f"{one.address} is on {zone}" if held else f"with link-local addresses: {', '.join(has_link_local) or 'none'}"
    )
    sure = one.got("EINVAL") or held is not None or not one.seen
    return Finding(
        cause="zone-missing",
        certainty=Certainty.PROVEN if sure else Certainty.LIKELY,
        subject=one.subject,
        statement=f"{one.address} is a link-local address, which every interface may have, and {said}",
        evidence=(Evidence("interfaces", where), *one.evidence),
        fixes=(Fix(f"name the interface after a percent sign: {one.address}%{zone}"),),
    )
