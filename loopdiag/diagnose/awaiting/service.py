"""Whether a service answers in its own language: HTTP, TLS, Redis, PostgreSQL, MySQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.diagnose.awaiting.look import Look
from loopdiag.diagnose.awaiting.tcp import SILENCE, TcpLook
from loopdiag.diagnose.awaiting.words import rejects, state_of
from loopdiag.model.observation import Outcome
from loopdiag.model.readiness import State
from loopdiag.model.service import Greeting, HttpExchange, TlsHandshake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopdiag.model.observation import Observation
    from loopdiag.model.target import Target

_QUICK, _LONGEST = 0.25, 5.0  # seconds for one answer: at first, and after each that did not come
_PAUSE = (0.01, 0.2)  # seconds before a service that does not serve yet is asked again: own, far


def speaks(target: Target) -> bool:
    """The target names a language that can be asked in."""
    from loopdiag.probes.service import QUESTIONS, SECURE, SECURE_WEB, SPEAKS_FIRST, WEB

    return target.scheme in (*WEB, *SECURE_WEB, *SECURE, *SPEAKS_FIRST, *QUESTIONS)


class ServiceLook(Look):
    """Connects as TcpLook does for as long as nobody is there; then asks. `status` are those of HTTP that count."""

    def __init__(self, target: Target, address: str, status: frozenset[int] | None, *, own: bool) -> None:
        self._target, self._address, self._status, self._own = target, address, status, own
        self._door = TcpLook(address, target.port or 0, own=own)
        self._patience = _QUICK

    def look(self) -> State | None:
        """Knock, then ask."""
        from loopdiag.probes.service import probe_service

        door = self._door.look(takes_time=False)
        if door is None or not door.there:
            return door
        seen = probe_service(self._target, self._address, self._target.port or 0, self._patience)
        silent = any(one.outcome is Outcome.TIMED_OUT for one in seen)
        self._patience = min(self._patience * 2, _LONGEST) if silent else _QUICK
        return self._judge(seen, door)

    def unchanged(self) -> Callable[[], bool] | None:
        """As long as nobody is there."""
        return self._door.unchanged()

    def close(self) -> None:
        """Leave nothing open."""
        self._door.close()

    def _judge(self, seen: Sequence[Observation], door: State) -> State:
        pause = _PAUSE[0 if self._own else 1]
        answer = next((one for one in seen if isinstance(one, HttpExchange) and one.status is not None), None)
        shaken = next((one for one in seen if isinstance(one, TlsHandshake)), None)
        if shaken is not None and not shaken.outcome.good:
            return State(ready=False, there=True, says=_of_tls(shaken), seen=shaken, pause=pause)
        if answer is not None and answer.status is not None:
            counts = self._counts(answer.status)
            says = f"HTTP {answer.status}" + ("" if counts or self._status is None else ", not the status waited for")
            if answer.broken_off:
                counts, says = False, f"HTTP {answer.status}, broken off in its midst"
            return State(ready=counts, there=True, says=says, seen=answer, pause=pause)
        said = next((one for one in seen if isinstance(one, Greeting) and one.text), None)
        rejection = rejects(said.text or "") if said else None
        if rejection:
            return State(ready=False, there=True, says=rejection, seen=said, pause=pause)
        bad = next((one for one in seen if not one.outcome.good), None)
        if bad is None:
            return state_of(seen[0]) if seen else door
        if bad.outcome is Outcome.TIMED_OUT:
            return State(ready=False, there=True, says="connects, but does not answer", seen=bad, pause=SILENCE)
        state = state_of(bad, pause=pause)
        return State(ready=False, there=True, says=state.says, seen=bad, pause=pause)

    def _counts(self, status: int) -> bool:
        return status in self._status if self._status is not None else 200 <= status < 400


def _of_tls(shaken: TlsHandshake) -> str:
    if shaken.rejected:
        return f"TLS: the certificate is not accepted ({', '.join(shaken.rejected)})"
    return f"TLS: {shaken.alert or shaken.detail or shaken.outcome.value}"
