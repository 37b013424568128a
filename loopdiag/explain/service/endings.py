"""`closed-without-reply`, `reset-by-service`, `no-reply`: the service took the connection and said nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import seen
from loopdiag.explain.listeners.condition import is_held_up
from loopdiag.explain.listeners.serving import serving
from loopdiag.explain.listeners.wording import shown
from loopdiag.explain.service.parts import ended_silently, first_of_each, heard, listener, said, server
from loopdiag.model.finding import Certainty, Finding, Fix
from loopdiag.model.observation import Outcome
from loopdiag.model.service import Greeting, HttpExchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.service import Said


_AFTER_A_RESET = (
    Fix("read the service's own log: it broke the connection off, or crashed while it served it"),
    Fix("see whether it speaks the protocol that the client speaks"),
)


def closed_without_reply(case: Case) -> Iterator[Finding]:
    """An orderly end (FIN) before the end of an answer, or before a byte of it."""
    for one in _told(case, Outcome.CLOSED):
        yield Finding(
            cause="closed-without-reply",
            subject=one.to,
            statement=f"{server(case, one)} accepts connections to {one.to} and closes them {_how_far(one)}"
            f"{_when(one)}",
            evidence=(heard(one), *listener(case, one)),
            fixes=(
                Fix("read the service's own log: it ended the connection of its own accord"),
                Fix("see whether it speaks the protocol that the client speaks, and serves this client at all"),
            ),
        )


def reset_by_service(case: Case) -> Iterator[Finding]:
    """A reset (RST) on a connection that stood."""
    for one in _told(case, Outcome.RESET):
        yield Finding(
            cause="reset-by-service",
            subject=one.to,
            statement=f"{server(case, one)} accepts connections to {one.to} and resets them (RST)"
            f"{f' {_how_far(one)}' if one.received else ''}{_when(one)}",
            evidence=(heard(one), *listener(case, one)),
            fixes=_AFTER_A_RESET,
        )
    told = {one.to for one in _told(case, Outcome.RESET)}
    for attempt in case.observations:
        if attempt.kind == "tcp-connect" and attempt.outcome is Outcome.RESET and attempt.to not in told:
            yield Finding(
                cause="reset-by-service",
                certainty=Certainty.LIKELY,
                subject=attempt.to,
                statement=f"connections to {attempt.to} are made and reset (RST) at once",
                evidence=(seen(attempt), *shown(serving(case, attempt))),
                fixes=_AFTER_A_RESET,
            )


def no_reply(case: Case) -> Iterator[Finding]:
    """Nothing, or no whole answer, within the time that was waited, from a process that is alive and accepts."""
    for one in _told(case, Outcome.TIMED_OUT):
        there = serving(case, one)
        if one.unacknowledged or any(each.queue or is_held_up(each) for each in there):
            continue  # nobody took the connection: that is another cause
        some = f"only the {one.received} bytes of a beginning" if one.received else "nothing"
        yield Finding(
            cause="no-reply",
            certainty=Certainty.LIKELY if there else Certainty.POSSIBLE,
            subject=one.to,
            statement=f"{server(case, one)} accepts connections to {one.to}, and answered {one.sent or 'them'} with "
            f"{some} within {one.seconds or 0:.1f} s",
            evidence=(heard(one), *listener(case, one)),
            fixes=(
                Fix("see what the service is waiting for: its log, its database, a lock"),
                Fix("where it is only slow, wait longer", f"loopdiag why {case.target.input} --timeout 30"),
            ),
        )


def _told(case: Case, outcome: Outcome) -> tuple[Said, ...]:
    """One attempt for each endpoint that ended so, where the connection itself had come about."""
    stood = {one.address for one in case.observations if one.outcome in (Outcome.CONNECTED, Outcome.RESET)}
    found = [one for one in said(case) if one.outcome is outcome and one.address in stood and _counts(one)]
    return first_of_each(found)


def _counts(one: Said) -> bool:
    """It was cut before a byte, or (silence) did not come to its end."""
    if one.outcome is Outcome.TIMED_OUT:
        return bool(one.sent) or not isinstance(one, Greeting)
    return ended_silently(one) or isinstance(one, HttpExchange)


def _how_far(one: Said) -> str:
    return f"in the midst of its answer, after {one.received} bytes" if one.received else "without a word"


def _when(one: Said) -> str:
    if one.sent:
        return f" when it is asked ({one.sent})"
    return f", {one.seconds * 1000:.0f} ms after they are made" if one.seconds is not None else ""
