"""`trace`: one real probe, and its packets' way through the kernel as the kernel itself recorded it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.gather import gather, open_question
from loopdiag.diagnose.journeys import traced
from loopdiag.diagnose.needs import topics_for
from loopdiag.diagnose.oneprobe import check_network
from loopdiag.diagnose.session import Session
from loopdiag.model.facts import Facts

if TYPE_CHECKING:
    from loopdiag.diagnose.journeys import Traced
    from loopdiag.model.case import Case
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target

_OF_A_NAME = ("answers", "names", "interfaces")


def trace(target: Target, *, family: int | None = None, timeout: float | None = None) -> Report:
    """The report of one probe to the target's first address, with its journey where tracing is permitted.

    Raises UsageError for a UNIX socket, and for an address that cannot be meant.
    """
    check_network(target, "trace")
    session = Session("trace")
    question = open_question(target, family)
    addresses = question.resolution.addresses if question.resolution else ()
    if not addresses:
        return session.judged(target, (), gather(question, _OF_A_NAME), _summary)
    done = traced(target.transport, addresses[0], target.port, timeout)
    seen = (done.seen,)
    question = replace(question, observations=seen)
    facts = gather(question, ("counters", *topics_for(seen)), Facts(drops=done.drops))
    return session.judged(target, seen, facts, lambda case: _told(case, done), done.extra)


def _told(case: Case, done: Traced) -> str:
    end = done.extra.get("ending")
    return f"{case.observations[0].to}: {end}" if end else _summary(case)


def _summary(case: Case) -> str:
    if not case.observations:
        return f"{case.target.host} has no address, so there was nothing to trace"
    seen = case.observations[0]
    took = f" after {seen.seconds * 1000:.3f} ms" if seen.seconds is not None else ""
    return f"{seen.to}: {seen.errno or seen.outcome.value}{took}"
