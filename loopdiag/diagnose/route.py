"""`route`: the kernel's own answer for an address, and what it means."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from loopdiag.diagnose.gather import Question, gather
from loopdiag.diagnose.session import Session
from loopdiag.explain.routing.meaning import meaning
from loopdiag.host.read import read
from loopdiag.model.errors import UsageError
from loopdiag.model.facts import Facts
from loopdiag.model.names import Answer
from loopdiag.model.report import Verdict
from loopdiag.model.routed import routed
from loopdiag.model.unknown import Unknown
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.case import Case
    from loopdiag.model.report import Report
    from loopdiag.model.route import RouteAnswer
    from loopdiag.model.target import Target
    from loopdiag.probes.resolve import Resolution

TOPICS = ("rules", "interfaces", "local_table", "sysctls", "routes")
ANY = "any"  # the question is about no protocol in particular


@dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """What the packet is asked to be like: its source, the device it comes in by, its mark."""

    source: str | None = None
    input_device: str | None = None
    mark: int | None = None

    @property
    def given(self) -> dict[str, str | int]:
        """Those that were given, by the names that the reader knows."""
        words = {"source": self.source, "input_device": self.input_device, "mark": self.mark}
        return {name: value for name, value in words.items() if value is not None}


def route(
    target: Target, family: int | None = None, selectors: Selectors | None = None, timeout: float | None = None
) -> Report:
    """Ask for each address of the target; `timeout` bounds looking up a name, in seconds.

    Raises UsageError for a device, zone or source that cannot be.
    """
    session = Session("route")
    selectors = selectors or Selectors()
    resolution = _resolution(target, family, timeout)
    addresses = tuple(map(str, resolution.addresses))
    if not addresses:
        question = Question(target=target, resolution=resolution)
        return session.judged(target, (), gather(question, ("names", "answers")), _no_address)
    facts = _facts(target, addresses, selectors)
    if isinstance(facts.route, Unknown):
        return session.report(target, Verdict.UNKNOWN, "the kernel could not be asked for the route", facts=facts)
    return session.judged(target, (), facts, _summary, {"meaning": _meanings(facts, addresses)})


def _resolution(target: Target, family: int | None, timeout: float | None) -> Resolution:
    from loopdiag.probes.resolve import resolve_addresses

    return resolve_addresses(target.host or "", family, timeout=timeout)


def _no_address(case: Case) -> str:
    return f"{case.target.host} has no address to ask about"


def _facts(target: Target, addresses: tuple[str, ...], selectors: Selectors) -> Facts:
    question = Question(target=target, addresses=addresses, protocol=ANY)
    answers = tuple(Answer(one, "ipv6" if ":" in one else "ipv4") for one in addresses)
    have = Facts(answers=None if target.address else answers)
    if not selectors.given:
        facts = gather(question, TOPICS, have)
    else:
        facts = gather(question, TOPICS[:-1], have)
        asked = [_asked(one, selectors, facts) for one in addresses if _same_family(one, selectors)]
        if not asked:
            raise UsageError(f"'{selectors.source}' and '{target.host}' are of different IP versions")
        unread = next((one for one in asked if isinstance(one, Unknown)), None)
        told = tuple(one for one in asked if not isinstance(one, Unknown))
        facts = replace(facts, routes=told or unread)
    first = facts.routes[0] if isinstance(facts.routes, tuple) else facts.routes
    return replace(facts, route=first)


def _same_family(address: str, selectors: Selectors) -> bool:
    return selectors.source is None or (":" in routed(address)) == (ip_address(selectors.source).version == 6)


def _asked(address: str, selectors: Selectors, facts: Facts) -> RouteAnswer | Unknown:
    zone = address.partition("%")[2] or None
    answer: RouteAnswer | Unknown = read(
        "route", routed(address), output_device=zone, rules=facts.rules, **selectors.given
    )
    return answer


def _meanings(facts: Facts, addresses: tuple[str, ...]) -> dict[str, str]:
    """By address as typed or resolved: what the kernel's answer means."""
    answers = facts.routes if isinstance(facts.routes, tuple) else ()
    found = {}
    for address in addresses:
        answer = next((one for one in answers if one.destination == routed(address) and one.way == "there"), None)
        if answer:
            found[address] = meaning(answer, address)
    return found


def _summary(case: Case) -> str:
    answer = case.facts.route
    typed = case.target.address.text if case.target.address else None
    return "" if answer is None or isinstance(answer, Unknown) else meaning(answer, typed)
