"""Whether a UDP address serves: an answer says so; silence does not say that it does not."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from loopdiag.diagnose.awaiting.look import Look
from loopdiag.diagnose.awaiting.words import state_of
from loopdiag.explain.listeners.serving import covers
from loopdiag.host.read import read
from loopdiag.model.observation import Outcome
from loopdiag.model.readiness import State
from loopdiag.model.report import Verdict
from loopdiag.model.unknown import Unknown
from loopdiag.probes.outcome import sockaddr

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.model.target import Target

EARNEST = 16  # rounds after which a datagram is sent again
PATIENCE = (0.1, 1.0)  # seconds for an answer: of an address of this host, of another


class UdpLook(Look):
    """One address and port. A bound socket that takes datagrams in silence counts, once nothing is found against it."""

    def __init__(self, target: Target, address: str, *, own: bool) -> None:
        self._target, self._address, self._own = target, address, own
        self._judged: State | None = None
        self._refused = False  # the last time
        self._watch: Any = None

    def look(self) -> State:
        """One datagram; silence is looked into once."""
        from loopdiag.probes.udp import exchange_udp

        seen = exchange_udp(self._address, self._target.port or 0, PATIENCE[0 if self._own else 1])
        self._refused = seen.outcome is Outcome.REFUSED
        state = state_of(seen, pause=0.0 if self._own else 0.1)
        if seen.outcome is not Outcome.TIMED_OUT or not self._own or not self._is_bound():
            self._judged = None
            return state
        self._judged = self._judged or self._judge(state)
        return self._judged

    def unchanged(self) -> Callable[[], bool] | None:
        """After a refusal: the kernel has no socket there. Who answers through nat is met by asking in earnest."""
        if not (self._own and self._refused):
            return None
        if self._watch is None:
            self._watch = read("listener_watch", sockaddr(self._address, self._target.port or 0), "udp")
        watch, rounds = self._watch, count(1)
        return None if isinstance(watch, Unknown) else lambda: next(rounds) % EARNEST != 0 and watch.absent()

    def close(self) -> None:
        """Leave nothing open."""
        if self._watch is not None and not isinstance(self._watch, Unknown):
            self._watch.close()
        self._watch = None

    def _is_bound(self) -> bool:
        sockets = read("sockets", port=self._target.port, protocols=("udp",), listening=True)
        return not isinstance(sockets, Unknown) and any(
            one.port == self._target.port and covers(one, self._address) for one in sockets
        )

    def _judge(self, silent: State) -> State:
        """Silence is ordinary for many services (syslog, statsd): what counts is whether anything is in the way."""
        from loopdiag.diagnose.why import why

        if why(self._target, timeout=0.5).verdict is Verdict.BROKEN:
            return silent
        return State(ready=True, there=True, says="is bound, and takes datagrams in silence", seen=silent.seen)
