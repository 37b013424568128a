"""A connection that stands at the client's end, and gets no further: `filter-drops`, `filter-rejects`.

The SYN and its answer came through. What follows does not: the packet that ends the handshake, or what is said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.filtering.attempts import (
    KINDS,
    attempts,
    dropped,
    half_open,
    is_cut_off,
    unacknowledged,
    uncertain,
)
from loopdiag.explain.filtering.limits import is_limit
from loopdiag.explain.filtering.lost import where_lost
from loopdiag.explain.filtering.qdisc import dropping
from loopdiag.explain.filtering.unseen import LOOK, all_was_read, gap
from loopdiag.explain.filtering.verdicts import Decision, finding
from loopdiag.explain.filtering.wording import named, text
from loopdiag.explain.listeners.refused import is_own
from loopdiag.model.finding import Certainty, Evidence, Finding
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.packetfilter import LAST_OF_HANDSHAKE
from loopdiag.model.routed import routed
from loopdiag.model.service import Said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.filtering.attempts import Attempt
    from loopdiag.model.case import Case

_STOPS = {"drop": ("filter-drops", "discards"), "reject": ("filter-rejects", "rejects")}
# How a service that is spoken to seems to behave, where a rule stops what is said.
_SHOWS = {"drop": Outcome.TIMED_OUT, "reject": Outcome.RESET}


def stands_and_stops(case: Case) -> Iterator[Finding]:
    """The connection comes about, and a rule stops what is sent over it: the service is never heard."""
    for attempt in attempts(case):
        half = None if attempt.failures else half_open(case, attempt)
        told = None if attempt.failures else _stopped(case, attempt, half)
        if told and not is_limit(told.step):
            found = finding(case, *_STOPS[told.step.action], [(attempt, told)])
            yield _with(found, half) if half else found
        elif is_cut_off(case, attempt) and not _queued(attempt):
            yield from _unseen(case, attempt, half)


def _queued(attempt: Attempt) -> bool:
    """A rule may hand to a queue what follows: another rule tells of that."""
    return any(step.action == "queue" for path in attempt.following for step in path.steps)


def by_chance(case: Case) -> Iterator[Finding]:
    """It got through this time, past a rule that stops packets at random."""
    for attempt in attempts(case):
        chances = [(path, step) for path, step in uncertain(attempt, _STOPS) if step.depends_on == "chance"]
        if chances and not attempt.failures and not half_open(case, attempt):
            path, step = chances[0]
            found = finding(case, *_STOPS[step.action], [(attempt, Decision(path, step, Certainty.LIKELY))])
            yield replace(
                found,
                statement=f"{named(step)} {_STOPS[step.action][1]} some of the packets to {attempt.to}, by chance; "
                f"this time it let them pass: {text(step)}",
            )


def _stopped(case: Case, attempt: Attempt, half: TcpConnect | None) -> Decision | None:
    """Surely, where nobody was heard; perhaps, where the listener's end, or the service, shows that something is."""
    spoken = [one for one in case.observations if one.kind not in KINDS and one.address == attempt.seen[0].address]
    if any(one.outcome.good for one in spoken):
        return None
    arrived = {one.unacknowledged for one in spoken if isinstance(one, Said) and one.outcome is Outcome.TIMED_OUT}
    complete = any(isinstance(one, TcpConnect) and one.far_end == "ESTABLISHED" for one in attempt.seen)
    for path in attempt.following:
        if complete and path.packet.name == LAST_OF_HANDSHAKE:
            continue
        if path.certain and path.verdict in _STOPS:
            return Decision(path, path.steps[-1], Certainty.PROVEN)
        maybe = next((step for step in path.steps if step.action in _STOPS), None)
        if not half and arrived == {path.packet.answer}:
            continue  # what was said came through, or did not come as far as to be answered
        if maybe and (half or any(one.outcome is _SHOWS[maybe.action] for one in spoken)):
            return Decision(path, maybe, _certainty(case, attempt, half))
    return None


def _certainty(case: Case, attempt: Attempt, half: TcpConnect | None) -> Certainty:
    """Something stopped the packet: proven where the filter is known to have dropped one, and one rule alone could."""
    could = {named(step) for path in attempt.following for step in path.steps if step.action in _STOPS}
    return Certainty.PROVEN if half and dropped(case) and len(could) == 1 else Certainty.LIKELY


def _with(found: Finding, half: TcpConnect) -> Finding:
    return replace(
        found,
        statement=f"{found.statement}; so the connection stands at the client's end only, and nobody can accept it",
        evidence=(*found.evidence, _far(half)),
    )


def _far(half: TcpConnect) -> Evidence:
    return Evidence(f"connection {half.local}", "ESTABLISHED at the client's end, SYN-RECV at the listener's")


def _unseen(case: Case, attempt: Attempt, half: TcpConnect | None) -> Iterator[Finding]:
    """No rule is seen to do it, and yet something does."""
    own = is_own(case, routed(attempt.seen[0].address))
    if not own or any(dropping(case, one) for one in known(case.facts.qdiscs) or ()):
        return
    lost = unacknowledged(case, attempt)
    if half:
        what, evidence = (
            "stands at the client's end only: the packet that ends the handshake does not come to the listener",
            _far(half),
        )
    elif lost:
        what, evidence = (
            "is made, and what is sent over it is not acknowledged even by the kernel of this host",
            _lost(lost[0]),
        )
    elif not all_was_read(case) and (told := where_lost(case, attempt)):
        what, evidence = f"is made, and nothing comes back: {told[0]}", told[1]
    else:
        return
    yield Finding(
        cause="filter-drops",
        certainty=Certainty.LIKELY,
        subject=attempt.to,
        statement=f"the connection to {attempt.to} {what}, as where a rule of the packet filter drops it; the rule "
        "could not be seen",
        evidence=(evidence, *gap(case)),
        fixes=(LOOK,),
    )


def _lost(said: Said) -> Evidence:
    after = f" after {said.seconds:.1f} s" if said.seconds is not None else ""
    return Evidence(said.label, f"{said.sent} is not acknowledged{after}")
