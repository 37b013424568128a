"""`connect`: TCP or UDP to every address of a name, each with its outcome, what that proves, and who listens there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.attempts import Attempts
from loopdiag.diagnose.gather import gather, open_question
from loopdiag.diagnose.needs import topics_for
from loopdiag.diagnose.session import Session
from loopdiag.explain.listeners.proves import proves
from loopdiag.explain.success import why_it_works
from loopdiag.model.case import Case
from loopdiag.model.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target

TIMEOUT = {"tcp": 1.5, "udp": 1.0, "unix": 1.0}  # seconds for all addresses together that do not answer


def connect(target: Target, *, family: int | None = None, timeout: float | None = None) -> Report:
    """Try every address of `target`, in the resolver's order; `timeout` is the longest wait, in seconds.

    The key `proves` of the report has a sentence for each observation.
    """
    session = Session("connect")
    question = open_question(target, family)
    attempts = Attempts(target, timeout or TIMEOUT[target.transport]).run(question.addresses)
    seen = attempts.observations
    facts = gather(replace(question, observations=tuple(seen)), _topics(target, seen), Facts(drops=attempts.drops))
    case = Case("connect", target, tuple(seen), facts)
    said = [{"to": one.to, "says": proves(case, one)} for one in seen]
    return session.judged(target, seen, facts, why_it_works, {"proves": said})


def _topics(target: Target, seen: Sequence[Observation]) -> tuple[str, ...]:
    """The resolver's files in full only where a name was typed and an address of it failed, or it has none."""
    by_name = target.host is not None and target.address is None
    failed = any(not one.outcome.good for one in seen)
    names = ("names",) if by_name and (failed or not seen) else ()
    unix = ("unix_sockets",) if target.transport == "unix" else ()
    return (*names, *(("answers",) if by_name else ()), *topics_for(seen), *unix, *(("counters",) if failed else ()))
