"""No source of this host gives any address for the name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.explain.names.actions import never_asked
from loopdiag.explain.names.said import (
    NOT_NOW,
    NSSWITCH,
    TIMED_OUT,
    add_line,
    fits,
    is_localhost,
    line_evidence,
    lookup,
    of_family,
    order,
    order_evidence,
    servers,
    unresolved,
)
from loopdiag.explain.rules import CUTS_OFF_SERVER
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.names import NameFacts


def name_unresolvable(case: Case) -> Iterator[Finding]:
    """getaddrinfo gave an error, whatever the reason."""
    names = unresolved(case)
    if names is None:
        return
    beneath = _beneath(names)
    if beneath:
        yield beneath
        return
    yield Finding(
        cause="name-unresolvable",
        certainty=Certainty.LIKELY if names.errno == TIMED_OUT else Certainty.PROVEN,
        subject=names.name,
        statement=f"{names.name} has no {of_family(names)}address on this host: {_reason(names)}",
        evidence=(lookup(names), *_evidence(names)),
        fixes=_fixes(names),
    )


def _beneath(names: NameFacts) -> Finding | None:
    """What cuts off the name servers, where all that are asked are on this host."""
    if isinstance(names.servers, Unknown) or {one.address for one in names.own_servers} != set(names.servers):
        return None
    roots = [root for one in names.own_servers if one.verdict == "broken" for root in one.findings[:1]]
    if not roots or len(roots) < len(names.own_servers):
        return None  # one of them answers, if not this question
    root = roots[0]
    if root.cause not in CUTS_OFF_SERVER or root.severity is not Severity.ERROR:
        return None
    return replace(
        root,
        statement=f"{names.name} has no {of_family(names)}address on this host, as {servers(names)} cannot be asked: "
        f"{root.statement}",
        evidence=(lookup(names), *root.evidence, *_evidence(names)),
    )


def _reason(names: NameFacts) -> str:
    dotless = names.name.rstrip(".")
    if names.name.endswith(".") and not isinstance(names.hosts, Unknown) and names.hosts:
        return f"the hosts file gives '{dotless}' and is compared letter by letter, the final dot included"
    if names.services_spoilt:
        return f"line {names.services_spoilt} of {NSSWITCH} cannot be parsed, so the C library asks no source at all"
    if given := ", ".join(line.address for line in names.lines()):
        if any(fits(line.address, names) for line in names.lines()):
            return f"the hosts file gives {given}, and yet the C library says that there is none ({names.errno})"
        return f"the hosts file gives {given} alone, and no other source ({order(names)}) adds to it"
    if names.errno == TIMED_OUT:
        return f"no answer came within {names.seconds or 0:.1f} s, and {servers(names)} is asked{_why_silent(names)}"
    if unasked := _unasked(names):
        return (
            f"no line of the hosts file gives it, and [NOTFOUND=return] on the hosts line of {NSSWITCH} ends the "
            f"search there, so {' and '.join(unasked)} {'are' if len(unasked) > 1 else 'is'} not asked"
        )
    if names.errno in NOT_NOW and "dns" in order(names).split():
        silent = f"{servers(names)} gave no answer ({names.errno}){_why_silent(names)}"
        return f"no line of the hosts file gives it, and {silent}"
    return f"none of the sources asked ({order(names)}) knows it ({names.errno})"


def _why_silent(names: NameFacts) -> str:
    return next((f"; {one.says}" for one in names.own_servers if one.findings), "")


def _unasked(names: NameFacts) -> tuple[str, ...]:
    """The sources that an action behind `files` keeps from being asked."""
    if isinstance(names.services, Unknown) or isinstance(names.hosts, Unknown):
        return ()
    return never_asked(names.services, name_in_files=False)


def _evidence(names: NameFacts) -> Iterator[Evidence]:
    if isinstance(names.hosts, Unknown):
        yield Evidence("/etc/hosts", names.hosts.because)
    elif not names.hosts:
        yield Evidence("/etc/hosts", f"no line holds {names.name}")
    else:
        yield from map(line_evidence, names.hosts[:3])
    yield order_evidence(names)
    if "dns" in order(names).split() and not isinstance(names.servers, Unknown):
        yield Evidence("/etc/resolv.conf", servers(names))
    yield from (Evidence(f"name server {one.address}, which is this host", one.says) for one in names.own_servers)


def _fixes(names: NameFacts) -> tuple[Fix, ...]:
    if names.name.endswith("."):
        return (Fix("leave out the final dot"),)
    fixes = [] if is_localhost(names) else [Fix("if it is meant to be this host, add to /etc/hosts",
                                                add_line(names.name))]  # fmt: skip
    if names.errno in NOT_NOW:
        fixes.append(Fix("see to a name server that answers, in /etc/resolv.conf"))
    elif "dns" not in order(names).split() and not isinstance(names.services, Unknown):
        fixes.append(Fix(f"if DNS should be asked, add dns to the hosts line of {NSSWITCH}"))
    return tuple(fixes)
