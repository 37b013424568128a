"""`why`: the root cause, whatever the layer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.attempts import Attempts
from loopdiag.diagnose.gather import gather, open_question
from loopdiag.diagnose.needs import topics_for
from loopdiag.diagnose.session import Session
from loopdiag.explain.success import why_it_works
from loopdiag.model.facts import Facts
from loopdiag.model.observation import TcpConnect, UnixConnect
from loopdiag.model.target import Target, parse_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report

SERVICE_TIMEOUT = 1.5  # seconds for a service on this very host to answer


def why(target: str | Target, *, family: int | None = None, timeout: float | None = None) -> Report:
    """Say why `target` works or does not, from this host's point of view.

    `family` is 4, 6 or None for both; `timeout` is the longest wait for one answer, in seconds. Raises UsageError for
    what cannot be a target.
    """
    session = Session("why")
    target = target if isinstance(target, Target) else parse_target(target)
    question = open_question(target, family)
    attempts = Attempts(target, timeout, keep=True).run(question.addresses)
    seen = [*attempts.observations, *_of_the_service(target, attempts, timeout)]
    facts = gather(replace(question, observations=tuple(seen)), _topics(target, seen), Facts(drops=attempts.drops))
    return session.judged(target, seen, facts, why_it_works)


def _of_the_service(target: Target, attempts: Attempts, timeout: float | None) -> Sequence[Observation]:
    """What the service itself says, where a connection came about; on that connection, all at the same time."""
    reached = dict.fromkeys(one.address for one in attempts.observations if one.outcome.good and _can_speak(one))
    if target.transport not in ("tcp", "unix") or not reached:
        return ()
    from threading import Thread

    from loopdiag.probes.service import probe_service

    said: dict[str, Sequence[Observation]] = {}

    def ask(address: str) -> None:
        connection = attempts.connections.get(address)
        said[address] = probe_service(target, address, target.port or 0, timeout or SERVICE_TIMEOUT, connection)

    threads = [Thread(target=ask, args=(address,)) for address in reached]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for address in reached for one in said.get(address, ())]


def _can_speak(seen: Observation) -> bool:
    """There is a way to: not where the listener has no part in the connection, nor over a socket of messages."""
    if isinstance(seen, TcpConnect):
        return not seen.half_open
    return not isinstance(seen, UnixConnect) or seen.socket_type == "stream"


def _topics(target: Target, seen: Sequence[Observation]) -> tuple[str, ...]:
    """What the outcomes need; the counters too where they are the proof: of an echo, or of how far a packet came."""
    icmp = target.transport == "icmp"
    counted = icmp or any(not one.outcome.good for one in seen)
    return (*topics_for(seen), *(("counters",) if counted else ()), *(("interfaces", "rules") if icmp else ()))
