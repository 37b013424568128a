"""Whether a UDP address serves: an answer says so; silence does not say that it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.diagnose.awaiting.look import Look
from loopdiag.diagnose.awaiting.words import state_of
from loopdiag.explain.listeners.serving import covers
from loopdiag.host.read import read
from loopdiag.model.observation import Outcome
from loopdiag.model.readiness import State
from loopdiag.model.report import Verdict
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from loopdiag.model.target import Target

PATIENCE = (0.1, 1.0)  # seconds for an answer: of an address of this host, of another


class UdpLook(Look):
    """One address and port. A bound socket that takes datagrams in silence counts, once nothing is found against it."""

    def __init__(self, target: Target, address: str, *, own: bool) -> None:
        self._target, self._address, self._own = target, address, own
        self._judged: State | None = None

    def look(self) -> State:
        """One datagram; silence is looked into once."""
        from loopdiag.probes.udp import exchange_udp

        seen = exchange_udp(self._address, self._target.port or 0, PATIENCE[0 if self._own else 1])
        state = state_of(seen, pause=0.0 if self._own else 0.1)
        if seen.outcome is not Outcome.TIMED_OUT or not self._own or not self._is_bound():
            self._judged = None
            return state
        self._judged = self._judged or self._judge(state)
        return self._judged

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
