"""Where the tables' prediction and what the socket saw disagree: told as it is, never smoothed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.listeners.refused import is_own
from loopdiag.explain.listeners.serving import serving
from loopdiag.model.finding import Severity
from loopdiag.model.observation import Outcome
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.finding import Finding
    from loopdiag.model.observation import Observation

_UNANSWERED = (Outcome.REFUSED, Outcome.TIMED_OUT, Outcome.UNREACHABLE)


def contradictions(case: Case, findings: Sequence[Finding]) -> Iterator[Unknown]:
    """What no finding explains although facts and sockets cannot both be the whole truth."""
    explained = any(found.severity is not Severity.NOTE for found in findings)
    for one in case.observations:
        # The listener of bind-test is our own and gone by now.
        if one.kind == "tcp-connect" and case.command != "bind-test" and not explained and is_own(case, one.address):
            yield from _about_listeners(case, one)
        if one.outcome.good:
            yield from _about_the_filter(case, one)


def _about_listeners(case: Case, one: Observation) -> Iterator[Unknown]:
    if known(case.facts.listeners) is None:
        return
    there = serving(case, one)
    if there and one.outcome in _UNANSWERED:
        said = one.errno or one.outcome.value
        yield Unknown(
            f"why {one.to} gave {said}",
            f"a listener on {there[0].local} takes connections to it, and nothing that was read on this host stands "
            "in between: the tables and the socket disagree",
        )
    if not there and one.outcome is Outcome.CONNECTED and not getattr(one, "far_end", None):
        yield Unknown(
            f"who answers on {one.to}",
            "the connection was made, yet no listener of this network namespace takes it: something between "
            "answers in its place",
        )


def _about_the_filter(case: Case, one: Observation) -> Iterator[Unknown]:
    for path in case.facts.filter_paths or ():
        opened = one.kind == "tcp-connect" and path.packet.follows  # a rule tells of those itself
        if path.of == one.label and path.certain and path.verdict in ("drop", "reject") and not opened:
            yield Unknown(
                f"how {one.to} could answer",
                f"the packet filter as it was read ends its {'answer' if path.packet.answer else 'packet'} with "
                f"{path.verdict}: the rules and the socket disagree, or the rules changed meanwhile",
            )
