"""Which addresses a case is in trouble with, and what the kernel said about the way to each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.model.bind import source_of
from loopdiag.model.finding import Evidence
from loopdiag.model.observation import Outcome
from loopdiag.model.routed import LOOPBACK_FOR, routed
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.observation import Observation
    from loopdiag.model.route import RouteAnswer

ANSWERED = (Outcome.REFUSED, Outcome.RESET, Outcome.CLOSED)  # something on the other end spoke
LOOKUPS = ("route", "resolve")  # commands that send nothing
REJECTING = ("blackhole", "unreachable", "prohibit")  # route and rule types


@dataclass(frozen=True, slots=True)
class Trouble:
    """An address that did not serve. `address` is the one really routed; `seen` is empty where nothing was sent."""

    typed: str
    seen: tuple[Observation, ...] = ()

    @property
    def address(self) -> str:
        """Without zone; loopback for 0.0.0.0 and ::."""
        return routed(self.typed)

    @property
    def zone(self) -> str | None:
        """The interface that the address was typed with."""
        return self.typed.partition("%")[2] or None

    @property
    def six(self) -> bool:
        """It is an IPv6 address."""
        return ":" in self.address

    @property
    def subject(self) -> str:
        """The endpoint, or the address where nothing was sent."""
        return self.seen[0].to if self.seen else self.typed

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What the sockets saw, at most two of them."""
        return tuple(seen(one) for one in self.seen[:2])

    @property
    def answered(self) -> bool:
        """Something refused or ended it: the packets went both ways."""
        return any(one.outcome in ANSWERED for one in self.seen)

    @property
    def binding(self) -> bool:
        """It is the bind that failed."""
        return any(one.kind == "bind" for one in self.seen)

    def got(self, *errnos: str) -> bool:
        """One of the attempts ended with one of these errnos."""
        return any(one.errno in errnos for one in self.seen)

    @property
    def timed_out(self) -> bool:
        """One of the attempts had no answer."""
        return any(one.outcome is Outcome.TIMED_OUT for one in self.seen)


def troubles(case: Case) -> tuple[Trouble, ...]:
    """The addresses that failed; for a command that sends nothing, those that it is about."""
    if case.observations:
        return tuple(_failing(case))
    if case.command not in LOOKUPS:
        return ()
    answers = known(case.facts.answers) or ()
    typed = [str(case.target.address)] if case.target.address else []
    return tuple(Trouble(address) for address in dict.fromkeys([*typed, *(answer.address for answer in answers)]))


def _failing(case: Case) -> list[Trouble]:
    """An address is in trouble when its bind failed, or when nothing got through to it by some transport."""
    groups: dict[tuple[str, str], list[Observation]] = {}
    for one in case.observations:
        wildcard = one.kind == "bind" and one.address in LOOPBACK_FOR  # bound to no address in particular
        if one.kind != "unix-connect" and not wildcard:
            groups.setdefault((routed(one.address), one.address.partition("%")[2]), []).append(one)
    found = []
    for attempts in groups.values():
        good = {_transport(one) for one in attempts if one.outcome.good and one.kind != "bind"}
        bad = [one for one in attempts if not one.outcome.good]
        if not any(one.kind == "bind" for one in bad):
            bad = [one for one in bad if _transport(one) not in good]
        if bad:
            found.append(Trouble(bad[0].address, tuple(bad)))
        elif good:
            found += _from(attempts)
    return found


def _from(attempts: Sequence[Observation]) -> list[Trouble]:
    """Of a port just bound, reached from some addresses of this host and not from others: these are in trouble."""
    groups: dict[str, list[Observation]] = {}
    for one in attempts:
        source = None if one.outcome.good else source_of(one)
        if source and source != one.address:
            groups.setdefault(source, []).append(one)
    return [Trouble(source, tuple(failed)) for source, failed in groups.items()]


def _transport(one: Observation) -> str:
    """What carried it: requests and handshakes go over the connection that was made."""
    return one.kind if one.kind in ("icmp-echo", "udp") else "tcp"


def plain(case: Case, address: str) -> RouteAnswer | None:
    """The kernel's answer for `address` with no source set."""
    return next((answer for answer in ways(case, address) if answer.way == "there" and not answer.asked_from), None)


def ways(case: Case, address: str) -> list[RouteAnswer]:
    """Every answer about packets to `address` and about the answers from it."""
    about = [answer for answer in asked(case) if address == (answer.about or answer.destination)]
    return [answer for answer in about if answer.way in ("there", "back")]


def asked(case: Case) -> tuple[RouteAnswer, ...]:
    """Every route question of the case."""
    first = known(case.facts.route)
    return known(case.facts.routes) or ((first,) if first else ())


def set_marks(case: Case) -> set[int]:
    """The marks that the packet filter gives to the packets of this attempt."""
    paths = case.facts.filter_paths or ()
    return {path.rewritten.mark for path in paths if path.rewritten and path.rewritten.mark}


def route_says(answer: RouteAnswer) -> Evidence:
    """A route answer as evidence."""
    return Evidence(answer.question, answer_text(answer))


def answer_text(answer: RouteAnswer) -> str:
    """`unicast dev up0 table 123 by rule "400: from all lookup 123"`, or the errno with what gave it."""
    words = [answer.errno or "", answer.type or ""]
    if answer.matched:
        words.append(answer.matched)
    if answer.device and not answer.errno:
        words.append(f"dev {answer.device}")
    if answer.gateway:
        words.append(f"via {answer.gateway}")
    if answer.table:
        words.append(f"table {answer.table}")
    if answer.rule:
        words.append(f'by rule "{answer.rule.text}"')
    return " ".join(word for word in words if word)
