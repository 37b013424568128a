"""`interfaces`: interfaces and addresses, and what each means for reachability."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.gather import Question, gather
from loopdiag.diagnose.session import Session
from loopdiag.explain.engine import judge
from loopdiag.explain.interfaces.meaning import vrf_of, with_meanings
from loopdiag.explain.verdict import verdict
from loopdiag.host.portable import with_link_details
from loopdiag.model.case import Case
from loopdiag.model.report import Verdict
from loopdiag.model.target import Target
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.facts import Facts
    from loopdiag.model.interface import Interface
    from loopdiag.model.report import Report

NO_TARGET = Target("", "icmp", None, None)


def interfaces(family: int | None = None) -> Report:
    """All interfaces of this network namespace; `family` (4 or 6) leaves the other IP version's addresses out."""
    session = Session("interfaces")
    facts = gather(Question(target=NO_TARGET), ("interfaces", "sysctls"))
    if facts.interfaces is None or isinstance(facts.interfaces, Unknown):
        return session.report(None, Verdict.UNKNOWN, "the interfaces could not be read", facts=facts)
    case = Case("interfaces", NO_TARGET, (), facts)
    found = judge(case)
    said = verdict(case, found)
    summary = found[0].statement if found and said is not Verdict.WORKS else _summary(facts.interfaces)
    return session.report(None, said, summary, findings=found, facts=_shown(facts, facts.interfaces, family))


def _shown(facts: Facts, read: Sequence[Interface], family: int | None) -> Facts:
    """With what each address means, of the IP version asked for; the settings served judging alone."""
    told = with_meanings(with_link_details(read))
    if family:
        told = tuple(
            replace(one, addresses=tuple(each for each in one.addresses if (":" in each.address) == (family == 6)))
            for one in told
        )
    return replace(facts, interfaces=told, sysctls=None)


def _summary(read: Sequence[Interface]) -> str:
    lo = next((interface for interface in read if interface.loopback), None)
    if lo is None:
        return "this host has no loopback interface"
    others = [one for one in read if not one.loopback and not vrf_of(one, read)]
    own = [each.address for one in others for each in one.addresses if each.scope != "link"]
    loopback = ", ".join(each.address for each in lo.addresses)
    return f"{lo.name} is up with {loopback or 'no address'}; " + (
        f"own addresses, reached by {lo.name} too: {', '.join(own[:8])}" if own else "there is no other own address"
    )
