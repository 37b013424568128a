"""`resolve`: how this host turns a name into addresses, and which source gave each one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.gather import Question, gather
from loopdiag.diagnose.names import asked_family, attributed, family_name, outcome, with_own_servers
from loopdiag.diagnose.session import Session
from loopdiag.diagnose.sources import NUMERIC, asked, families_at_hand
from loopdiag.host.read import read
from loopdiag.model.facts import Facts
from loopdiag.model.names import Answer
from loopdiag.model.unknown import Unknown
from loopdiag.probes.name_services import ask_services
from loopdiag.probes.resolve import TIMED_OUT, Ask, ask_together, resolve_addresses

if TYPE_CHECKING:
    from loopdiag.model.case import Case
    from loopdiag.model.counters import Counters
    from loopdiag.model.names import NameFacts
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target
    from loopdiag.probes.resolve import Resolution


def resolve(target: Target, family: int | None = None, timeout: float | None = None) -> Report:
    """Ask getaddrinfo for a name, in all ways that programs ask; `timeout` bounds each round, in seconds."""
    session = Session("resolve")
    facts = _number(target, family) if target.address else _name(target.host or "", family, timeout)
    if facts.answers:  # whether the addresses can be of use here: IPv6 may be off, lo down
        facts = gather(Question(target=target), ("interfaces", "sysctls"), facts)
    return session.judged(target, (), facts, _summary)


def _number(target: Target, family: int | None) -> Facts:
    resolved = resolve_addresses(target.host or "", family)
    return Facts(answers=tuple(Answer(text, family_name(text), NUMERIC) for text in map(str, resolved.addresses)))


def _name(host: str, family: int | None, timeout: float | None) -> Facts:
    before = read("counters")
    main = ask_together(host, [Ask(family)], timeout)[0]
    datagrams = _sent(before, read("counters"))
    names = read("names", host)
    addresses = tuple(map(str, main.addresses))
    if isinstance(names, Unknown):
        return Facts(names=names, answers=attributed(addresses, names))
    names = replace(names, errno=main.error, seconds=main.seconds, datagrams=datagrams, family=asked_family(main))
    names = with_own_servers(names)
    if main.error != TIMED_OUT:  # else the same would be waited for again
        names = _asked_in_other_ways(names, main, timeout)
    return Facts(names=names, answers=attributed(addresses, names))


def _asked_in_other_ways(names: NameFacts, main: Resolution, timeout: float | None) -> NameFacts:
    """By family, with AI_ADDRCONFIG, and of each service alone where it cannot be told otherwise which one answered.

    A name that the hosts file answers is not asked for in a family that would be looked for in DNS.
    """
    from_files = bool(main.addresses) and all(names.giving(str(one)) for one in main.addresses)
    families = [one for one in (4, 6) if main.family in (None, one)]
    if from_files:
        families = [one for one in families if one in families_at_hand(names)]
    questions = [Ask(one, limited) for limited in (False, True) for one in (main.family, *families)]
    got = dict(zip(questions, ask_together(main.host, questions, timeout), strict=True))
    names = replace(
        names,
        by_family={f"ipv{one}": outcome(got[Ask(one)]) for one in families},
        configured_only=outcome(got[Ask(main.family, configured_only=True)]),
        configured_by_family={f"ipv{one}": outcome(got[Ask(one, configured_only=True)]) for one in families},
    )
    if all(answer.source for answer in attributed(map(str, main.addresses), names)):
        return names
    services = [one for one in asked(names) if one != "files"]
    return replace(names, by_service=ask_services(services, main.host, main.family, timeout))


def _sent(before: Counters | Unknown, after: Counters | Unknown) -> int | None:
    """UDP datagrams sent between two readings, of both families; None where they could not be read."""
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return None
    moved = after.since(before).protocol
    return moved.get("Udp.OutDatagrams", 0) + moved.get("Udp6.OutDatagrams", 0)


def _summary(case: Case) -> str:
    answers = case.facts.answers
    if isinstance(answers, Unknown) or not answers:
        return f"it could not be told what {case.target.host} resolves to"
    if answers[0].source == NUMERIC:
        return f"{case.target.input} is the address {answers[0].address}: no name is looked up"
    return f"{case.target.host} resolves to {', then '.join(answer.address for answer in answers)}"
