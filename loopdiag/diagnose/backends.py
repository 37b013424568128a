"""The topic `backends`: a service that gave nothing back is asked once more, and its own connections are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.service.forwarder import GATEWAY
from loopdiag.host.read import read
from loopdiag.model.observation import Outcome
from loopdiag.model.service import BackendAttempt, HttpExchange, Said, TlsHandshake
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts

_PATIENCE = 0.3  # seconds for the second time
_ROUNDS = 2  # counters are everybody's: what is due to us happens each time


def backends(question: Question, facts: Facts) -> tuple[BackendAttempt, ...] | Unknown:
    """The connections that others opened while they served ours; empty where nothing looks like a forwarder."""
    one = next((seen for seen in question.observations if isinstance(seen, Said) and _doubtful(seen)), None)
    if one is None or question.target.transport != "tcp":
        return ()
    from loopdiag.probes.service import probe_service

    def again() -> object:
        return probe_service(question.target, one.address, one.port or 0, _PATIENCE)

    watched = read("backends", again)
    if isinstance(watched, Unknown):
        return _counted(again)
    return tuple(watched)


def _doubtful(seen: Said) -> bool:
    if isinstance(seen, HttpExchange) and seen.status is not None:
        return seen.status in GATEWAY
    if isinstance(seen, TlsHandshake) and seen.received:
        return False
    return not seen.received and seen.outcome in (Outcome.CLOSED, Outcome.RESET, Outcome.TIMED_OUT)


def _counted(again: Callable[[], object]) -> tuple[BackendAttempt, ...]:
    """Without the right to trace: whether the kernel counts a connection that failed, each time that ours is served."""
    for _ in range(_ROUNDS):
        before = read("counters")
        again()
        after = read("counters")
        if isinstance(before, Unknown) or isinstance(after, Unknown):
            return ()
        moved = after.since(before).protocol
        if not moved.get("Tcp.AttemptFails"):
            return ()
    return (BackendAttempt(process=None, to=None, outcome="refused",
                           says=f"counter Tcp.AttemptFails rose each of {_ROUNDS} times"),)  # fmt: skip
