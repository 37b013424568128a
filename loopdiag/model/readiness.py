"""What `wait` waits for, and what it saw meanwhile."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.observation import Observation
    from loopdiag.model.target import Target

TIMEOUT = 60.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """When waiting is over. All times are seconds.

    `any_one`: one target is enough. `gone`: until they no longer answer. `hold`: it must stay so for that long.
    `status`: the HTTP statuses that count (None: 200 to 399). `interval`: from one look to the next, None: often.
    """

    timeout: float = TIMEOUT
    any_one: bool = False
    gone: bool = False
    hold: float = 0.0
    status: frozenset[int] | None = None
    interval: float | None = None
    family: int | None = None

    def met_by(self, state: State) -> bool:
        """Whether a target in this state is as wished."""
        return not state.there if self.gone else state.ready


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A target at one moment: it serves (`ready`), or somebody is at least `there`; `says` is that in few words.

    `pause` is the least time in seconds before it is worth looking again.
    """

    ready: bool
    there: bool
    says: str
    seen: Observation | None = None
    pause: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From `at` on (seconds since the beginning) the target was so. `target` is as typed."""

    target: str
    at: float
    says: str
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """One target's story. `ready`: it ended as wished, `seconds` after the beginning (else None)."""

    target: Target
    ready: bool
    seconds: float | None
    says: str
    history: tuple[Change, ...]
    seen: Observation | None = field(default=None, metadata={"json": False})

    @property
    def story(self) -> str:
        """`refused, then no answer, then answers`."""
        return ", then ".join(change.says for change in self.history)
