"""The loopback interface itself: down, without its address, with an MTU that breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.asked import plain, route_says, troubles
from loopdiag.explain.interfaces.ipv6 import ipv6_off, severity_of
from loopdiag.explain.own import (
    HOST_WIDE,
    IPV4_MTU,
    IPV6_MTU,
    covering,
    is_loopback,
    local_route,
    loopback,
    own,
    own_addresses,
    state,
)
from loopdiag.model.finding import Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.asked import Trouble
    from loopdiag.model.case import Case
    from loopdiag.model.interface import Interface

WHOLE_MTU = 65535  # the longest IP packet; the kernel's own MTU for lo is 65536
LATER = "127.0.0.1 stays listed when lo is taken down later: packets are then dropped instead of refused"


def loopback_down(case: Case) -> Iterator[Finding]:
    """`lo` is not up: nothing that this host sends to itself gets anywhere."""
    lo = loopback(case)
    if lo is None or lo.up:
        return
    hit = [one for one in troubles(case) if not one.answered and _crosses_loopback(case, one.address)]
    if not hit and case.command not in HOST_WIDE:
        return
    tried = hit[0].subject if hit else "127.0.0.1"
    listed = any(is_loopback(one.address) for one in lo.addresses)
    yield Finding(
        cause="loopback-down",
        severity=Severity.WARNING if case.command == "resolve" else Severity.ERROR,
        subject=lo.name,
        statement=f"the loopback interface {lo.name} is down, so no packet that this host sends to itself "
        f"({tried}) arrives",
        evidence=(
            Evidence(f"interface {lo.name}", "it lacks the flag UP" + (f"; {LATER}" if listed else "")),
            *(piece for one in hit[:2] for piece in one.evidence),
        ),
        fixes=(Fix(f"bring {lo.name} up", f"ip link set {lo.name} up"),),
    )


def _crosses_loopback(case: Case, address: str) -> bool:
    return is_loopback(address) or own(case, address) is not None


def loopback_address_missing(case: Case) -> Iterator[Finding]:
    """`lo` is up, and no address on it makes the loopback address that is asked for this host's own."""
    lo = loopback(case)
    if lo is None or not lo.up:
        return
    for one in troubles(case):
        if _lacks(case, lo, one) and not one.answered and not _elsewise(case, lo, one.six):
            yield _missing(case, lo, one.address, one)
    if case.command in HOST_WIDE:
        yield from _missing_at_all(case, lo)


def _lacks(case: Case, lo: Interface, one: Trouble) -> bool:
    """Nothing here makes the address local; a local route without an address (it may be laid by hand) does too."""
    if not is_loopback(one.address) or covering(case, one.address):
        return False
    answer, laid = plain(case, one.address), local_route(case, one.address)
    return (laid is None or laid.type != "local") and (answer is None or answer.type != "local")


def _elsewise(case: Case, lo: Interface, six: bool) -> bool:
    """Another cause took the address away: the MTU, or IPv6 being off."""
    return lo.mtu < (IPV6_MTU if six else IPV4_MTU) or (six and ipv6_off(case, lo.name) is not None)


def _missing_at_all(case: Case, lo: Interface) -> Iterator[Finding]:
    has = [one.address.address for one in own_addresses(case) if is_loopback(one.address.address)]
    if not any("." in address for address in has) and not _elsewise(case, lo, six=False):
        yield _missing(case, lo, "127.0.0.1", None)
    if "::1" not in has and case.facts.sysctls is not None and not _elsewise(case, lo, six=True):
        yield _missing(case, lo, "::1", None)


def _missing(case: Case, lo: Interface, address: str, one: Trouble | None) -> Finding:
    six = ":" in address
    answer = plain(case, address)
    whole = "::1/128" if six else "127.0.0.1/8"
    host_wide_note = one is None and six
    return Finding(
        cause="loopback-address-missing",
        severity=Severity.WARNING if host_wide_note else severity_of(case, one),
        subject=one.subject if one else lo.name,
        statement=f"{lo.name} is up but has no address that covers {address}, so {address} is not this host",
        evidence=(
            state(lo),
            *(one.evidence if one else ()),
            *((route_says(answer),) if answer else ()),
        ),
        fixes=(Fix(f"put the loopback address back on {lo.name}", f"ip addr add {whole} dev {lo.name}"),),
    )


def loopback_mtu(case: Case) -> Iterator[Finding]:
    """The MTU of `lo` is so low that an IP version is gone from it, or that a packet does not fit."""
    lo = loopback(case)
    if lo is None or not lo.up:
        return
    for one in troubles(case):
        effect = _mtu_effect(case, lo, one)
        if effect and not one.answered:
            yield _mtu(lo, one.subject, effect, severity_of(case, one), one.evidence)
    if case.command in HOST_WIDE and lo.mtu < IPV6_MTU and not own(case, "::1") and not ipv6_off(case, lo.name):
        lost = "IPv6 and IPv4 are" if lo.mtu < IPV4_MTU else "IPv6 is"
        yield _mtu(lo, lo.name, f"{lost} gone from it", Severity.ERROR, ())


def _mtu_effect(case: Case, lo: Interface, one: Trouble) -> str | None:
    if lo.mtu < IPV6_MTU and one.address == "::1" and not own(case, "::1") and not ipv6_off(case, lo.name):
        return "the kernel took ::1 and IPv6 away from it (IPv6 needs 1280)"
    if lo.mtu < IPV4_MTU and not one.six and _crosses_loopback(case, one.address):
        return "the kernel took IPv4 away from it (IPv4 needs 68)"
    if lo.mtu < WHOLE_MTU and one.got("EMSGSIZE") and covering(case, one.address):
        return "a packet of this size that must not be cut into fragments does not fit"
    return None


def _mtu(lo: Interface, subject: str, effect: str, severity: Severity, tried: tuple[Evidence, ...]) -> Finding:
    again = "" if lo.mtu >= IPV6_MTU else "; raising it alone does not bring the addresses back, so take lo down and up"
    run = f"ip link set {lo.name} mtu 65536"
    return Finding(
        cause="loopback-mtu",
        severity=severity,
        subject=subject,
        statement=f"the MTU of {lo.name} is {lo.mtu} bytes, and {effect}",
        evidence=(state(lo), *tried),
        fixes=(
            Fix(
                f"set the MTU of {lo.name} back to 65536{again}",
                run if not again else f"{run} && ip link set {lo.name} down && ip link set {lo.name} up",
            ),
        ),
    )
