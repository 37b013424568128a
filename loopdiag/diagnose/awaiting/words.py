"""An attempt's outcome as a state, in few words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopdiag.model.observation import Outcome
from loopdiag.model.readiness import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.model.observation import Observation

ANSWERS = "answers"
NO_ANSWER = "no answer"
_WORDS = {
    Outcome.REFUSED: "refused", Outcome.TIMED_OUT: NO_ANSWER, Outcome.UNREACHABLE: "unreachable",
    Outcome.DENIED: "denied", Outcome.RESET: "accepts, then resets", Outcome.CLOSED: "accepts, then closes",
}  # fmt: skip
REJECTIONS = TURNED_AWAY, NOT_YET = "says that it does not serve this client", "says that it is not ready yet"
# What services say that are there and serve nobody yet: PostgreSQL's SQLSTATE 57P03 (cannot_connect_now), which
# pg_isready calls rejecting; Redis with its data half loaded; MySQL with no connection left (1040).
_NOT_YET = re.compile(r"\bC57P03\b|^-LOADING\b|\bToo many connections\b")
_THERE = (Outcome.RESET, Outcome.CLOSED)


def state_of(seen: Observation, *, pause: float = 0.0) -> State:
    """The state that one attempt alone shows."""
    if seen.outcome.good:
        return State(ready=True, there=True, says=ANSWERS, seen=seen)
    says = _WORDS.get(seen.outcome, "failed")
    if seen.errno and seen.outcome not in (Outcome.REFUSED, Outcome.RESET):
        says = f"{says} ({seen.errno})"
    return State(ready=False, there=seen.outcome in _THERE, says=says, seen=seen, pause=pause)


def rejects(text: str, ended: Callable[[], bool] = lambda: False) -> str | None:
    """What the service's first words mean, where they mean that it does not serve us now.

    `ended` tells whether it closes after them; it is asked only where that matters.
    """
    from loopdiag.explain.service.restricts import refuses

    if refuses(text) or (refuses(text, ended=True) and ended()):
        return TURNED_AWAY
    return NOT_YET if _NOT_YET.search(text) else None


def together(states: dict[str, State]) -> State:
    """Several addresses of one target as one: whoever tries all of them gets the best."""
    best = max(states.values(), key=lambda state: (state.ready, state.there))
    different = dict.fromkeys(state.says for state in states.values())
    if best.ready or len(different) == 1:
        return best
    says = ", ".join(f"{address} {state.says}" for address, state in states.items())
    return State(ready=False, there=best.there, says=says, seen=best.seen, pause=best.pause)
