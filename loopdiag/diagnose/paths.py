"""The route questions that bear on a local attempt: there, back, and with the source that really is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.host.read import read
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts
    from loopdiag.model.route import PolicyRule, RouteAnswer

MOST_ADDRESSES = 8
MOST_MARKS = 8
LOOPBACK_FOR = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # the kernel takes an unspecified destination for loopback


def route(question: Question, facts: Facts) -> Any:
    """The kernel's answer for the address that was probed first."""
    for address in addresses_of(question):
        return _ask(question, facts, address)
    return None


def routes(question: Question, facts: Facts) -> Any:
    """Every route question of the attempt; an Unknown where the first of them could not be asked."""
    answers: list[RouteAnswer] = []
    for address in addresses_of(question)[:MOST_ADDRESSES]:
        for answer in _of_address(question, facts, address):
            if isinstance(answer, Unknown):
                return tuple(answers) or answer
            answers.append(answer)
    return tuple({answer.question: answer for answer in answers}.values())


def addresses_of(question: Question) -> list[str]:
    """What was asked for, each once: the addresses of the attempts that failed come first."""
    attempts = sorted(question.observations, key=lambda seen: seen.outcome.good)
    typed = question.target.address
    every = [
        *(seen.address for seen in attempts if seen.kind != "unix-connect"),
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
    source = address.partition("%")[0] if _own(facts, address) else plain.source
    if source:
        yield _ask(question, facts, address, source=source)
        yield _ask_back(question, facts, address, source)
    for mark in _marks_ahead(facts, plain):
        yield _ask(question, facts, address, source=source, mark=mark)


def _ask(question: Question, facts: Facts, address: str, **named: Any) -> Any:
    target = LOOPBACK_FOR.get(address, address)
    return read("route", target, protocol=question.protocol, port=question.port, rules=facts.rules, **named)


def _ask_back(question: Question, facts: Facts, address: str, source: str) -> Any:
    """The answer's way: the kernel asks with the rights of the listener's user."""
    bare, _, zone = address.partition("%")
    return read(
        "route", source, source=LOOPBACK_FOR.get(bare, bare), output_device=zone or None, protocol=question.protocol,
        source_port=question.port, user=_server_user(question, facts), rules=facts.rules,
    )  # fmt: skip


def _own(facts: Facts, address: str) -> bool:
    interfaces = () if isinstance(facts.interfaces, Unknown) else facts.interfaces or ()
    bare = address.partition("%")[0]
    return any(own.address == bare for interface in interfaces for own in interface.addresses)


def _server_user(question: Question, facts: Facts) -> int | None:
    if question.protocol == "icmp":
        return 0  # the kernel itself answers
    listeners = () if isinstance(facts.listeners, Unknown) else facts.listeners or ()
    users = {listener.uid for listener in listeners}
    return users.pop() if len(users) == 1 else None


def _marks_ahead(facts: Facts, plain: RouteAnswer) -> list[int]:
    """The marks that rules ahead of the one that answered ask for: something may set them on the way."""
    rules: tuple[PolicyRule, ...] = () if isinstance(facts.rules, Unknown) else facts.rules or ()
    family = "ipv6" if ":" in plain.destination else "ipv4"
    last = plain.rule.priority if plain.rule else 1 << 32
    marks = [rule.mark for rule in rules if rule.family == family and rule.priority < last and rule.mark]
    return list(dict.fromkeys(marks))[:MOST_MARKS]
