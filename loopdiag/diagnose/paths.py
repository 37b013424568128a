"""The route questions that bear on a local attempt: there, back, and with the source that really is used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.host.read import read
from loopdiag.model.bind import source_of
from loopdiag.model.routed import routed
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts
    from loopdiag.model.route import PolicyRule, RouteAnswer

MOST_ADDRESSES = 8
MOST_QUESTIONS = 8


def route(question: Question, facts: Facts) -> Any:
    """The kernel's answer for the address that was probed first."""
    for address in addresses_of(question):
        return _ask(question, facts, address)
    return None


def routes(question: Question, facts: Facts) -> Any:
    """Every route question of the attempt; an Unknown where the first of them could not be asked."""
    if facts.rules is None:
        facts = replace(facts, rules=read("rules"))
    answers: list[RouteAnswer] = []
    for address in addresses_of(question)[:MOST_ADDRESSES]:
        for answer in _of_address(question, facts, address):
            if isinstance(answer, Unknown):
                return tuple(answers) or answer
            answers.append(answer)
    return tuple({(answer.question, answer.about): answer for answer in answers}.values())


def addresses_of(question: Question) -> list[str]:
    """What was asked for, each once: the addresses of attempts that failed first, and whence. A path has no route."""
    if question.target.transport == "unix":
        return []
    attempts = sorted(question.observations, key=lambda seen: seen.outcome.good)
    typed = question.target.address
    every = [
        *(seen.address for seen in attempts),
        *(source for seen in attempts if not seen.outcome.good and (source := source_of(seen))),
        *question.addresses,
        *([str(typed)] if typed else []),
    ]
    return list(dict.fromkeys(every))


def _of_address(question: Question, facts: Facts, address: str) -> Iterator[RouteAnswer | Unknown]:
    plain = _ask(question, facts, address)
    yield plain
    if isinstance(plain, Unknown):
        return
    # A connected socket has its source set when it asks: a rule on the source is seen only then.
    source = routed(address) if _own(facts, routed(address)) else plain.source
    if source:
        yield _ask(question, facts, address, source=source)
        yield _ask_back(question, facts, address, source)
    if source and plain.type == "unicast":
        # As fib_validate_source() asks: with the same protocol and ports, for no user in particular, without a mark.
        yield _marked(_ask(question, facts, address, source=source, user=0), "reverse", address)
    for selectors in _narrow(facts, plain):
        yield _marked(_ask(question, facts, address, source=source, **selectors), "what-if", address)


def _ask(question: Question, facts: Facts, address: str, **selectors: Any) -> Any:
    zone = address.partition("%")[2]
    words = {"protocol": question.protocol, "port": question.port, "output_device": zone or None} | selectors
    return read("route", routed(address), rules=facts.rules, **words)


def _ask_back(question: Question, facts: Facts, address: str, source: str) -> Any:
    """The answer's way: the kernel asks with the rights of the listener's user."""
    answer = read(
        "route", source, source=routed(address), output_device=address.partition("%")[2] or None,
        protocol=question.protocol, source_port=question.port, user=_server_user(question, facts), rules=facts.rules,
    )  # fmt: skip
    return _marked(answer, "back", address)


def _marked(answer: RouteAnswer | Unknown, way: str, address: str) -> RouteAnswer | Unknown:
    return answer if isinstance(answer, Unknown) else replace(answer, way=way, about=routed(address))


def _own(facts: Facts, address: str) -> bool:
    interfaces = () if isinstance(facts.interfaces, Unknown) else facts.interfaces or ()
    return any(own.address == address for interface in interfaces for own in interface.addresses)


def _server_user(question: Question, facts: Facts) -> int | None:
    if question.protocol == "icmp":
        return 0  # the kernel itself answers
    listeners = () if isinstance(facts.listeners, Unknown) else facts.listeners or ()
    users = {listener.uid for listener in listeners}
    return users.pop() if len(users) == 1 else None


def _narrow(facts: Facts, plain: RouteAnswer) -> list[dict[str, Any]]:
    """What the rules ahead of the one that answered wait for: a mark may be set on the way, a port be another's."""
    rules: tuple[PolicyRule, ...] = () if isinstance(facts.rules, Unknown) else facts.rules or ()
    family = "ipv6" if ":" in plain.destination else "ipv4"
    last = plain.rule.priority if plain.rule else 1 << 32
    ahead = [rule for rule in rules if rule.family == family and rule.priority < last and not rule.inverted]
    wanted = [words for rule in ahead if (words := _selectors(rule))]
    return [dict(words) for words in dict.fromkeys(tuple(words.items()) for words in wanted)][:MOST_QUESTIONS]


def _selectors(rule: PolicyRule) -> dict[str, Any]:
    """The rule's selectors that a packet other than ours may meet."""
    words = {
        "mark": rule.mark,
        "protocol": rule.protocol,
        "port": rule.destination_ports and rule.destination_ports[0],
        "user": rule.users and rule.users[0],
        "source_port": rule.source_ports and rule.source_ports[0],
    }
    return {name: value for name, value in words.items() if value is not None}
