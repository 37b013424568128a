"""One thread for each target: looks often, tells each change, and stays below a share of a core."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from loopdiag.diagnose.awaiting.looks import look_at
from loopdiag.diagnose.awaiting.pace import OFTEN
from loopdiag.diagnose.awaiting.words import together
from loopdiag.model.readiness import Change, State, Waited
from loopdiag.probes.resolve import resolve_addresses

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.diagnose.awaiting.look import Look
    from loopdiag.diagnose.awaiting.pace import Pace
    from loopdiag.diagnose.awaiting.rounds import Rounds
    from loopdiag.model.readiness import Wish
    from loopdiag.model.target import Target

STEADY = 0.05  # seconds from one look to the next once it is as wished, and must stay so or others are waited for
CLOSER = 1.0  # seconds after which is looked closer, though nothing seems different
NAME = "loopdiag-wait"
NAMES_AGAIN = 1.0  # seconds until a name is looked up again
_NAME_PAUSE = 0.05
_MOST_ADDRESSES = 16
_MOST_CHANGES = 200  # of a target that flaps


class Watcher(threading.Thread):
    """Watches one target until `stop`. `state`, `since` and `history` may be read under `changed`."""

    def __init__(
        self, target: Target, wish: Wish, began: float, changed: threading.Condition, rounds: Rounds, pace: Pace,
        tell: Callable[[Change], None] | None,
    ) -> None:  # fmt: skip
        super().__init__(daemon=True, name=NAME)
        self.target = target
        self.state: State | None = None
        self.since: float | None = None  # as wished since then, monotonic
        self.history: list[Change] = []
        self.fault: BaseException | None = None
        self._wish, self._began, self._changed, self._tell = wish, began, changed, tell
        self._rounds, self._pace = rounds, pace
        self._looks: dict[str, Look] = {}
        self._states: dict[str, State] = {}
        self._names_at = 0.0
        self._nameless = ""
        self._done, self._aside, self._different = threading.Event(), threading.Event(), threading.Event()

    @property
    def met(self) -> bool:
        """As wished at the moment."""
        return self.since is not None

    def stop(self) -> None:
        """End the thread; it is not waited for."""
        self._done.set()
        self._different.set()

    def step_aside(self) -> None:
        """Look no more for now: a diagnosis wants the target for itself, unless nobody is there to be disturbed."""
        if self.state is not None and self.state.there:
            self._aside.set()

    def come_back(self) -> None:
        """Look again."""
        self._aside.clear()

    def waited(self) -> Waited:
        """The story so far."""
        with self._changed:
            return Waited(
                target=self.target,
                ready=self.met,
                seconds=None if self.since is None else self.since - self._began,
                says=self.state.says if self.state else "nothing was seen",
                history=tuple(self.history),
                seen=self.state.seen if self.state else None,
            )

    def run(self) -> None:
        """Look until told to stop; a bug here is handed to who waits."""
        try:
            while not self._done.is_set():
                if self._aside.is_set():
                    self._done.wait(OFTEN)
                    continue
                state = self._look()
                if state is not None:
                    self._take(state)
                self._rest(state)
        except BaseException as fault:  # noqa: BLE001 - raised again in the thread that waits
            with self._changed:
                self.fault = fault
                self._changed.notify_all()
        finally:
            for look in self._looks.values():
                look.close()

    def _look(self) -> State | None:
        self._look_up()
        if not self._looks:
            return State(ready=False, there=False, says=self._nameless, pause=_NAME_PAUSE)
        for address, look in self._looks.items():
            state = look.look()
            if state is not None:
                self._states[address] = state
                if state.ready:
                    break
        told = len(self._states) == len(self._looks) or any(state.ready for state in self._states.values())
        return together(self._states) if told else None

    def _look_up(self) -> None:
        """The addresses: once for what needs no name, else now and then, as a name may come to have others."""
        fixed = self.target.host is None or self.target.address is not None
        if (self._looks and fixed) or time.monotonic() < self._names_at:
            return
        if self.target.host is None:
            self._looks = {self.target.path or "": look_at(self.target, self.target.path or "", self._wish)}
            return
        found = resolve_addresses(self.target.host, self._wish.family)
        self._names_at = time.monotonic() + (max(NAMES_AGAIN, found.seconds * 20) if found.addresses else 0.0)
        self._nameless = f"the name gives no address ({found.error})"
        wanted = [str(one) for one in found.addresses[:_MOST_ADDRESSES]]
        if wanted == list(self._looks):
            return
        for gone in set(self._looks) - set(wanted):
            self._looks[gone].close()
        self._looks = {one: self._looks.get(one) or look_at(self.target, one, self._wish) for one in wanted}
        self._states = {one: state for one, state in self._states.items() if one in self._looks}

    def _take(self, state: State) -> None:
        now = time.monotonic()
        with self._changed:
            known = self.state is not None and self.state.says == state.says
            self.state = state
            met = self._wish.met_by(state)
            if met != self.met:
                self.since = now if met else None
                self._changed.notify_all()
            if known:
                return
            change = Change(target=self.target.input, at=now - self._began, says=state.says, ready=met)
            if len(self.history) < _MOST_CHANGES:
                self.history.append(change)
            if self._tell:
                self._tell(change)

    def _rest(self, state: State | None) -> None:
        """Until the next look; where something tells cheaply that nothing is different, until it does not."""
        unchanged = [look.unchanged() for look in self._looks.values()]
        told = [one for one in unchanged if one]
        if self._wish.interval or self.met or (state and state.pause) or not told or len(told) < len(unchanged):
            self._done.wait(self._pause(state))
            return
        self._different.clear()
        if self._done.is_set():
            return
        self._rounds.watch(self._different, told)
        self._different.wait(CLOSER)
        self._rounds.leave(self._different)

    def _pause(self, state: State | None) -> float:
        """Seconds until the next look: what the state asks for, and what keeps to our share of the machine."""
        if self._wish.interval:
            return self._wish.interval
        return max(STEADY if self.met else self._pace.pause(), state.pause if state else 0.0)
