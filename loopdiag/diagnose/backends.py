"""The topic `backends`: a service that gave nothing back is asked once more, and its own connections are watched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from loopdiag.explain.service.forwarder import GATEWAY
from loopdiag.host.read import read
from loopdiag.model.counters import Counters
from loopdiag.model.observation import Outcome
from loopdiag.model.service import BackendAttempt, HttpExchange, Said, TlsHandshake
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts

_PATIENCE = 0.3  # seconds for each time that it is asked again
_ROUNDS = {Outcome.TIMED_OUT: 2}  # how often, where that takes long
_MOST_ROUNDS = 3
_PAUSE = 0.03  # seconds in which nothing is asked: what is counted then too is not due to us


def backends(question: Question, facts: Facts) -> tuple[BackendAttempt, ...] | Unknown:
    """The connections that others opened while they served ours; empty where nothing looks like a forwarder."""
    one = next((seen for seen in question.observations if isinstance(seen, Said) and _doubtful(seen)), None)
    if one is None or question.target.transport != "tcp":
        return ()
    if one.outcome is Outcome.TIMED_OUT and not _pending(None) and not _refused_meanwhile(question, facts):
        return ()  # a forwarder whose backend does not answer still tries, or tries again and again
    from loopdiag.probes.service import probe_service

    def again() -> object:
        return probe_service(question.target, one.address, one.port or 0, _PATIENCE)

    rounds = _ROUNDS.get(one.outcome, _MOST_ROUNDS)
    watched: list[Any] = []
    failures = _failures(lambda: watched.append(read("backends", again, rounds=rounds)))
    if isinstance(watched[0], Unknown):
        return _counted(again, rounds)
    return tuple(each for each in watched[0] if _is_here(each, failures, rounds))


def _is_here(attempt: BackendAttempt, failures: int, rounds: int) -> bool:
    """The tracer sees the whole machine; what failed must show in this network namespace too."""
    if attempt.outcome == "refused":
        return failures >= rounds
    if attempt.outcome == "connected" or attempt.to is None:
        return True
    return attempt.to in _pending(int(attempt.to.rpartition(":")[2]))


def _pending(port: int | None) -> set[str]:
    """Where connections of this namespace to `port` (None: to any) wait for an answer."""
    found = read("sockets", port=port, protocols=("tcp",))
    return set() if isinstance(found, Unknown) else {each.peer for each in found if each.state == "SYN-SENT"}


def _refused_meanwhile(question: Question, facts: Facts) -> bool:
    """More connections of this namespace failed while we asked than those of ours."""
    if not isinstance(facts.counters, Counters):
        return False
    ours = sum(seen.outcome is Outcome.REFUSED for seen in question.observations)
    return facts.counters.protocol.get("Tcp.AttemptFails", 0) > ours


def _doubtful(seen: Said) -> bool:
    if isinstance(seen, HttpExchange) and seen.status is not None:
        return seen.status in GATEWAY
    if isinstance(seen, TlsHandshake) and seen.received:
        return False
    return not seen.received and seen.outcome in (Outcome.CLOSED, Outcome.RESET, Outcome.TIMED_OUT)


def _counted(again: Callable[[], object], rounds: int) -> tuple[BackendAttempt, ...]:
    """Without the right to trace: whether the kernel counts a connection that failed whenever ours is served."""
    for _ in range(rounds):
        if not _failures(again) or _failures(lambda: time.sleep(_PAUSE)):
            return ()
    return (BackendAttempt(process=None, to=None, outcome="refused",
                           says="counter Tcp.AttemptFails rises whenever a connection is made here"),)  # fmt: skip


def _failures(during: Callable[[], object]) -> int:
    before = read("counters")
    during()
    after = read("counters")
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return 0
    return int(after.since(before).protocol.get("Tcp.AttemptFails", 0))
