"""An attempt's outcome as a state, in few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.observation import Outcome
from loopdiag.model.readiness import State

if TYPE_CHECKING:
    from loopdiag.model.observation import Observation

ANSWERS = "answers"
NO_ANSWER = "no answer"
_WORDS = {
    Outcome.REFUSED: "refused", Outcome.TIMED_OUT: NO_ANSWER, Outcome.UNREACHABLE: "unreachable",
    Outcome.DENIED: "denied", Outcome.RESET: "accepts, then resets", Outcome.CLOSED: "accepts, then closes",
}  # fmt: skip
_THERE = (Outcome.RESET, Outcome.CLOSED)


def state_of(seen: Observation, *, pause: float = 0.0) -> State:
    """The state that one attempt alone shows."""
    if seen.outcome.good:
        return State(ready=True, there=True, says=ANSWERS, seen=seen)
    says = _WORDS.get(seen.outcome, "failed")
    if seen.errno and seen.outcome is not Outcome.REFUSED:
        says = f"{says} ({seen.errno})"
    return State(ready=False, there=seen.outcome in _THERE, says=says, seen=seen, pause=pause)


def together(states: dict[str, State]) -> State:
    """Several addresses of one target as one: whoever tries all of them gets the best."""
    best = max(states.values(), key=lambda state: (state.ready, state.there))
    different = dict.fromkeys(state.says for state in states.values())
    if best.ready or len(different) == 1:
        return best
    says = ", ".join(f"{address} {state.says}" for address, state in states.items())
    return State(ready=False, there=best.there, says=says, seen=best.seen, pause=best.pause)
