"""`localhost` and the names below it: RFC 6761 says loopback, the host's files may say otherwise."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.names.said import (
    NSSWITCH,
    TRUE_LOOPBACK,
    add_line,
    addresses,
    asked,
    fits,
    is_localhost,
    line_evidence,
    lookup,
    of_family,
    order,
    order_evidence,
    unresolved,
)
from loopdiag.explain.own import loopback, own
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity
from loopdiag.model.observation import Outcome
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.names import NameFacts
    from loopdiag.model.observation import Observation

_BOTH = Fix("let /etc/hosts begin with the lines `127.0.0.1 localhost` and `::1 localhost`")


def unmapped(case: Case) -> Iterator[Finding]:
    """localhost itself got no address, and no line of the hosts file that counts gives one."""
    names = unresolved(case)
    if names is None or not is_localhost(names) or isinstance(names.hosts, Unknown):
        return
    if any(fits(line.address, names) for line in names.lines()):
        return
    out = [line for line in names.hosts if line.commented]
    hint = f" (line {out[0].line} would, but {out[0].fault})" if out else ""
    lines = tuple(map(line_evidence, names.hosts[:3])) or (Evidence("/etc/hosts", "no line holds localhost"),)
    yield Finding(
        cause="localhost-unmapped",
        subject="localhost",
        statement=f"/etc/hosts has no line that gives localhost an {of_family(names)}address{hint}, and no other "
        f"source ({order(names)}) supplies one",
        evidence=(lookup(names), *lines, order_evidence(names)),
        fixes=(_BOTH,),
    )


def remapped(case: Case) -> Iterator[Finding]:
    """localhost resolves to something other than loopback's own two addresses."""
    names = asked(case)
    wrong = [one for one in addresses(case) if one not in TRUE_LOOPBACK]
    if names is None or not is_localhost(names) or not wrong:
        return
    failed = [one for one in case.failed if one.address.partition("%")[0] in wrong]
    first = failed[0].address if failed else wrong[0]
    line = names.giving(first)
    where = f"{line.file} line {line.line}" if line else f"{_told_by(case, names, first)}, not the hosts file,"
    beside = "" if len(wrong) == len(addresses(case)) else " as well"
    yield Finding(
        cause="localhost-remapped",
        severity=_weight(case, failed, first_is_wrong=addresses(case)[0] in wrong),
        subject=failed[0].to if failed else "localhost",
        statement=f"{where} turns localhost into {first}{beside}, "
        + (f"where a server on 127.0.0.1 or ::1 is not met{_where_it_is(case)}" if failed or not case.observations
           else "which answers here, and is not what programs take localhost for"),
        evidence=(*((line_evidence(line),) if line else (order_evidence(names),)), *map(seen, failed[:2]),
                  *_listening(case)),
        fixes=(Fix(f"take localhost off the line of {first} in {line.file}") if line else _BOTH, _BOTH),
    )  # fmt: skip


def _told_by(case: Case, names: NameFacts, address: str) -> str:
    """The source that gave the address, or all that were asked."""
    answer = next((one for one in known(case.facts.answers) or () if one.address == address), None)
    source = answer.source if answer else None
    if source is None:
        return f"a source of {NSSWITCH} ({order(names)})"
    return f"{source.service} (name server {source.server})" if source.server else source.service


def _weight(case: Case, failed: Sequence[Observation], *, first_is_wrong: bool) -> Severity:
    """An error where a server on the true loopback is missed because of it."""
    if not case.observations:
        return Severity.ERROR if first_is_wrong else Severity.WARNING
    lo = loopback(case)
    if not failed or (lo and not lo.up):  # with lo down, the true loopback would not be reached either
        return Severity.WARNING
    listeners = known(case.facts.listeners)
    at_loopback = listeners is None or any(one.address in TRUE_LOOPBACK for one in listeners)
    refused_here = all(one.outcome is Outcome.REFUSED and _is_own(case, one.address) for one in failed)
    return Severity.WARNING if refused_here and not at_loopback else Severity.ERROR


def _is_own(case: Case, address: str) -> bool:
    bare = address.partition("%")[0]
    return ip_address(bare).is_loopback or ip_address(bare).is_unspecified or own(case, bare) is not None


def _where_it_is(case: Case) -> str:
    at = [one for one in known(case.facts.listeners) or () if one.address in TRUE_LOOPBACK]
    return f"; {at[0].process or 'the server'} listens on {at[0].local}" if at else ""


def _listening(case: Case) -> tuple[Evidence, ...]:
    at = [one for one in known(case.facts.listeners) or () if one.address in TRUE_LOOPBACK]
    return tuple(Evidence(f"listener {one.local}", str(one.process or one.protocol)) for one in at[:2])


def subdomain(case: Case) -> Iterator[Finding]:
    """A name below localhost that this host's resolver does not send to loopback, as curl and browsers do."""
    names = asked(case)
    if names is None or not names.name.lower().rstrip(".").endswith(".localhost"):
        return
    got = addresses(case)
    if any(ip_address(one.partition("%")[0]).is_loopback for one in got) or not (got or names.errno):
        return
    other = f"gives {', '.join(got)}" if got else f"has no address for it ({names.errno})"
    yield Finding(
        cause="localhost-subdomain",
        severity=Severity.ERROR if not case.observations or case.failed else Severity.WARNING,
        certainty=Certainty.PROVEN,
        subject=names.name,
        statement=f"curl and browsers take {names.name} for loopback without asking, but this host's resolver "
        f"({order(names)}) {other}, so every other program fails",
        evidence=(lookup(names), *_hosts_say(names), order_evidence(names)),
        fixes=(Fix("give the name a line in /etc/hosts", add_line(names.name.rstrip("."))),
               Fix("or let nss-myhostname answer for all of them: myhostname on the hosts line of /etc/nsswitch.conf")),
    )  # fmt: skip


def _hosts_say(names: NameFacts) -> tuple[Evidence, ...]:
    if isinstance(names.hosts, Unknown):
        return (Evidence("/etc/hosts", names.hosts.because),)
    return tuple(map(line_evidence, names.hosts[:2])) or (Evidence("/etc/hosts", f"no line holds {names.name}"),)
