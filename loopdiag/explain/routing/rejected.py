"""A route or rule that rejects the packets, and no route at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.asked import REJECTING, asked, plain, route_says, set_marks, troubles, ways
from loopdiag.explain.evidence import known
from loopdiag.explain.interfaces.ipv6 import ipv6_off
from loopdiag.explain.own import covering, is_loopback, is_multicast, loopback, served_here, six_taken
from loopdiag.model.finding import Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.asked import Trouble
    from loopdiag.model.case import Case
    from loopdiag.model.route import RouteAnswer


def route_rejects(case: Case) -> Iterator[Finding]:
    """The kernel's own answer, there or back, is a route or a rule of a type that rejects."""
    if case.command == "resolve":
        return
    for one in troubles(case):
        if one.answered:
            continue
        answer = next((way for way in ways(case, one.address) if _rejects(way)), None)
        narrow = next((way for way in _what_ifs(case, one) if _rejects(way)), None)
        if answer:
            yield _rejected(one, answer)
        elif narrow and (narrow.mark in set_marks(case) or case.command == "route"):
            yield _rejected(one, narrow, Severity.WARNING if case.command == "route" else Severity.ERROR)


def _rejects(answer: RouteAnswer) -> bool:
    return answer.errno is not None and answer.type in REJECTING


def _what_ifs(case: Case, one: Trouble) -> list[RouteAnswer]:
    return [answer for answer in asked(case) if answer.way == "what-if" and answer.about == one.address]


def _rejected(one: Trouble, answer: RouteAnswer, severity: Severity = Severity.ERROR) -> Finding:
    six = "-6 " if one.six else ""
    some = "some of " if severity is Severity.WARNING else ""
    what = f"{some}the {'answers from' if answer.way == 'back' else 'packets to'} {one.address}"
    if answer.rule_rejects and answer.rule:
        by = f'the policy rule "{answer.rule.text}"'
        fix = Fix("delete the rule", f"ip {six}rule del pref {answer.rule.priority}")
    else:
        by = f"the {answer.type} route {answer.matched} in table {answer.table}"
        fix = Fix("delete the route", f"ip {six}route del {answer.type} {answer.matched} table {answer.table}")
    return Finding(
        cause="route-rejects",
        severity=severity,
        subject=one.subject,
        statement=f"{by} rejects {what} ({answer.errno})",
        evidence=(route_says(answer), *one.evidence),
        fixes=(fix,),
    )


def route_missing(case: Case) -> Iterator[Finding]:
    """No rule and no table of the kernel has a way for the target, which is not this host's own."""
    if known(case.facts.interfaces) is None or case.command == "resolve":
        return
    lo = loopback(case)
    for one in troubles(case):
        answer = plain(case, one.address)
        lacking = answer is not None and answer.errno == "ENETUNREACH" and answer.type is None
        if not answer or not lacking or one.binding or one.answered or _other_matter(case, one):
            continue
        if lo is not None and (lo.up or not is_loopback(one.address)):
            yield _missing(case, one, answer)


def _other_matter(case: Case, one: Trouble) -> bool:
    """Own, loopback, multicast and IPv6-less addresses have causes of their own; so have those meant to be own."""
    special = is_loopback(one.address) or is_multicast(one.address) or covering(case, one.address) is not None
    meant = six_taken(case, one.address) or served_here(case, one.address)
    return special or meant is not None or (one.six and ipv6_off(case, "all") is not None)


def _missing(case: Case, one: Trouble, answer: RouteAnswer) -> Finding:
    version = "IPv6" if one.six else "IPv4"
    return Finding(
        cause="route-missing",
        subject=one.subject,
        statement=f"no {version} route of this host covers {one.address} (there is no default route), and no interface "
        f"has that address",
        evidence=(route_says(answer), *one.evidence),
        fixes=(
            Fix("use an address that this host has: loopdiag interfaces lists them", "loopdiag interfaces"),
            Fix("or add a route", f"ip {'-6 ' if one.six else ''}route add {one.address} dev DEV"),
        ),
    )
