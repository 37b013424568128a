"""IPv6 switched off: for the whole kernel, for all interfaces, or for the one that matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.asked import Trouble, plain, troubles
from loopdiag.explain.evidence import known
from loopdiag.explain.own import device_setting, interfaces, is_loopback, loopback, on_link, own
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case

NO_SUPPORT = "ipv6"  # stands for a kernel without IPv6


def ipv6_off(case: Case, device: str) -> str | None:
    """The setting that switches IPv6 off on `device`; NO_SUPPORT without IPv6; None where it is on, or not known."""
    settings = case.facts.sysctls
    if not settings or not any(name.startswith("net.ipv4.") for name in settings):
        return None
    if not any(name.startswith("net.ipv6.") for name in settings):
        return NO_SUPPORT
    for scope in ("all", device):  # writing `all` writes every device's own
        if device_setting(case, "ipv6", scope, "disable_ipv6") == "1":
            return f"net.ipv6.conf.{scope}.disable_ipv6"
    return None


def severity_of(case: Case, one: Trouble | None) -> Severity:
    """A warning where an IPv4 address of the same name is what clients go on to; an error otherwise."""
    if case.command == "resolve":
        return Severity.WARNING
    if one is None or not one.six or _only_ipv6_serves(case):
        return Severity.ERROR
    return Severity.WARNING if any(":" not in seen.address for seen in case.observations) else Severity.ERROR


def _only_ipv6_serves(case: Case) -> bool:
    """Something listens on the port, and on IPv6 alone."""
    listeners = known(case.facts.listeners)
    return bool(listeners) and all(one.families == ("ipv6",) for one in listeners or ())


def ipv6_disabled(case: Case) -> Iterator[Finding]:
    """An IPv6 address fails because IPv6 is off where it would be needed."""
    lo = loopback(case)
    if lo is None or not lo.up:
        return
    for one in (*troubles(case), *_without_socket(case)):
        if not one.six or one.answered or (case.command == "resolve" and not is_loopback(one.address)):
            continue
        off = _off_for(case, one)
        if off:
            yield _disabled(case, one, *off)


def _without_socket(case: Case) -> list[Trouble]:
    """A bind to :: that got no socket to begin with: no address of its own is in trouble with it."""
    return [
        Trouble(one.address, (one,)) for one in case.observations
        if one.kind == "bind" and one.address == "::" and one.errno == "EAFNOSUPPORT"
    ]  # fmt: skip


def _off_for(case: Case, one: Trouble) -> tuple[str, Certainty] | None:
    """What switches it off for this address, and how sure that this is the reason."""
    off = ipv6_off(case, "lo")
    if off == NO_SUPPORT:
        return off, Certainty.PROVEN
    held = own(case, one.address)
    if held or is_loopback(one.address):
        # Packets to an own address come in by lo, which drops them where it has no IPv6.
        gone = held is None or (device_setting(case, "ipv6", "lo", "disable_ipv6") == "1" and one.timed_out)
        return (off, Certainty.PROVEN) if off and gone else None
    if one.zone:
        off = ipv6_off(case, one.zone)
        return (off, Certainty.PROVEN) if off else None
    answer = plain(case, one.address)
    leads_on = answer is not None and answer.errno is None
    return None if leads_on or on_link(case, one.address) else _off_elsewhere(case)


def _off_elsewhere(case: Case) -> tuple[str, Certainty] | None:
    """For an address on no interface: IPv6 is off on all that could have had it, or on one of them."""
    devices = [interface.name for interface in interfaces(case) if interface.up and not interface.loopback]
    switched = [off for device in devices if (off := ipv6_off(case, device))]
    everywhere = ipv6_off(case, "lo")
    if everywhere and len(switched) == len(devices):
        return switched[0] if switched else everywhere, Certainty.PROVEN
    return (switched[0], Certainty.LIKELY) if switched else None


def _disabled(case: Case, one: Trouble, off: str, certainty: Certainty) -> Finding:
    if off == NO_SUPPORT:
        why, fix = "this kernel runs without IPv6", Fix("boot without ipv6.disable=1, or load the module ipv6")
        proof = Evidence("/proc/sys/net/ipv6", "it is not there")
    else:
        why, fix = f"IPv6 is switched off ({off} = 1)", Fix("switch IPv6 on again", f"sysctl -w {off}=0")
        proof = Evidence(f"sysctl {off}", "1")
    held = own(case, one.address)
    where = f"{held.interface.name} has {one.address}, but lo does not take its packets in" if held else (
        f"no interface has {one.address}")  # fmt: skip
    return Finding(
        cause="ipv6-disabled",
        severity=severity_of(case, one),
        certainty=certainty,
        subject=one.subject,
        statement=f"{one.subject} needs IPv6, and {why}",
        evidence=(proof, Evidence("interfaces", where), *one.evidence),
        fixes=(fix, Fix("or use the IPv4 address (127.0.0.1 for loopback)")),
    )
