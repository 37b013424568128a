"""This host's own name, where it maps to loopback."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.names.said import TRUE_LOOPBACK, addresses, asked, line_evidence
from loopdiag.explain.own import own_addresses
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.names import HostsLine
    from loopdiag.model.socket import Socket

_WILDCARDS = ("0.0.0.0", "::")


def hostname_is_loopback(case: Case) -> Iterator[Finding]:
    """What is bound to the host's name, or looked for there, is on loopback while the host has other addresses."""
    names = known(case.facts.names)
    lines = [line for line in names.host_name_lines if _is_loopback(line)] if names else []
    others = _others(case)
    if names is None or not lines or not others or (names.host_name or "").lower().startswith("localhost"):
        return
    named = asked(case)
    if named and _is_own_name(named.name, lines) and all(_loopback(one) for one in addresses(case)):
        yield from _asked_by_name(case, lines, others)
    elif not named:
        yield from _asked_by_address(case, lines, others)


def _asked_by_name(case: Case, lines: Sequence[HostsLine], others: Sequence[str]) -> Iterator[Finding]:
    elsewhere = [one for one in _listeners(case) if one.address in others]
    name, address = case.target.host, lines[0].address
    if case.command == "bind-test" and case.worked:
        yield _finding(
            case, lines, f"a server that binds to {name} is on {address}, and not reached on {', '.join(others[:3])}"
        )
    elif case.failed and elsewhere:
        server = elsewhere[0].process or "the server"
        yield _finding(
            case, lines, f"{name} leads to {address}, while {server} listens on {elsewhere[0].local}", elsewhere[0]
        )
    elif not case.failed:
        statement = f"{name} is {address} on this host itself; what binds to that name is not reached from outside"
        yield _finding(case, lines, statement, severity=Severity.NOTE)


def _asked_by_address(case: Case, lines: Sequence[HostsLine], others: Sequence[str]) -> Iterator[Finding]:
    """Something listens exactly where the host's name leads, and the host's other address was asked."""
    failed = [one for one in case.failed if one.address in others]
    bound = [one for one in _listeners(case) if one.address in [line.address for line in lines]]
    if not failed or not bound or case.command == "bind-test":
        return
    usual = bound[0].address in TRUE_LOOPBACK  # a server may well have meant to be there
    name = known(case.facts.names)
    statement = (
        f"{bound[0].process or 'the server'} listens on {bound[0].local}, which is what this host's own name "
        f"{(name and name.host_name) or ''} maps to, and so is not reached on {failed[0].address}"
    )
    yield _finding(
        case,
        lines,
        statement,
        bound[0],
        severity=Severity.NOTE if usual else Severity.ERROR,
        certainty=Certainty.POSSIBLE if usual else Certainty.LIKELY,
    )


def _finding(
    case: Case,
    lines: Sequence[HostsLine],
    statement: str,
    listener: Socket | None = None,
    *,
    severity: Severity = Severity.ERROR,
    certainty: Certainty = Certainty.PROVEN,
) -> Finding:
    listening = (
        (Evidence(f"listener {listener.local}", str(listener.process or listener.protocol)),) if listener else ()
    )
    return Finding(
        cause="hostname-is-loopback",
        severity=severity,
        certainty=certainty,
        subject=case.failed[0].to if case.failed else str(case.target),
        statement=statement,
        evidence=(line_evidence(lines[0]), *map(seen, case.failed[:2]), *listening),
        fixes=(
            Fix("bind to 0.0.0.0, ::, or to the address itself instead of the host's name"),
            Fix(f"or give the name its outer address in {lines[0].file} line {lines[0].line}"),
        ),
    )


def _is_own_name(name: str, lines: Sequence[HostsLine]) -> bool:
    return any(name.lower() in (one.lower() for one in line.names) for line in lines)


def _is_loopback(line: HostsLine) -> bool:
    return line.fault is None and _loopback(line.address)


def _loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback


def _others(case: Case) -> list[str]:
    """The host's addresses that are neither loopback nor link-local."""
    found = (one.address.address for one in own_addresses(case) if not one.interface.loopback)
    return [one for one in found if not ip_address(one).is_link_local]


def _listeners(case: Case) -> list[Socket]:
    return [one for one in known(case.facts.listeners) or () if one.address not in _WILDCARDS]
