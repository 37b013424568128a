"""`wait`: returns as soon as the targets answer; where the time is up first, with the diagnosis of what is missing."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from loopdiag.diagnose.awaiting.missing import AHEAD, LATEST, Diagnoses, causes_of
from loopdiag.diagnose.awaiting.pace import SHARE, Pace
from loopdiag.diagnose.awaiting.rounds import Rounds
from loopdiag.diagnose.awaiting.watcher import Watcher
from loopdiag.diagnose.session import Session
from loopdiag.model.facts import Facts
from loopdiag.model.report import Verdict
from loopdiag.probes.resolve import resolve_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopdiag.model.readiness import Change, Waited, Wish
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target

ENDS_WITHIN = 0.2  # seconds for the threads: one may be within a request
_MOST_TOLD = 3  # missing targets in the summary
SOON = 0.2  # seconds: who has not answered by then may be long in coming
LOADS_WITHIN = 1.0  # seconds for the modules of a diagnosis, which are not loaded sooner: it takes time to unload them


def wait(targets: Sequence[Target], wish: Wish, tell: Callable[[Change], None] | None = None) -> Report:
    """Watch the targets until they are as wished, or `wish.timeout` seconds are over: then the verdict is broken.

    `tell` hears of each change as it happens, from other threads. The key `waited` of the report has each target's
    story. Raises UsageError for an address that cannot be meant.
    """
    for target in targets:
        if target.address is not None:
            resolve_addresses(target.host or "", wish.family)
    return _Wait(tuple(dict.fromkeys(targets)), wish, tell).run()


class _Wait:
    def __init__(self, targets: Sequence[Target], wish: Wish, tell: Callable[[Change], None] | None) -> None:
        self._session = Session("wait")
        self._wish = wish
        self._began = time.monotonic()
        self._deadline = self._began + wish.timeout
        self._changed = threading.Condition()
        self._rounds = Rounds()
        self._watchers = [self._watcher(one, SHARE / len(targets), tell) for one in targets]
        self._diagnoses: list[Diagnoses] = []
        self._diagnosed: dict[Target, int] = {}  # with so many changes behind it

    def _watcher(self, target: Target, share: float, tell: Callable[[Change], None] | None) -> Watcher:
        return Watcher(target, self._wish, self._began, self._changed, self._rounds, Pace(share), tell)

    def run(self) -> Report:
        for thread in (*self._watchers, self._rounds):
            thread.start()
        try:
            ahead = self._deadline - min(AHEAD, self._wish.timeout * 0.8)
            if self._until(min(max(self._began + SOON, ahead - LOADS_WITHIN), ahead)):
                return self._report(met=True)
            threading.Thread(target=_load, daemon=True).start()
            if self._until(ahead):
                return self._report(met=True)
            self._diagnose()
            met = self._until(self._deadline)
            if not met:
                self._diagnose()
                for one in self._diagnoses:
                    one.wait(self._deadline + LATEST)
            return self._report(met=met)
        finally:
            self._end()

    def _end(self) -> None:
        self._rounds.stop()
        for watcher in self._watchers:
            watcher.stop()
        deadline = time.monotonic() + ENDS_WITHIN
        for watcher in self._watchers:
            watcher.join(max(0.0, deadline - time.monotonic()))

    def _until(self, deadline: float) -> bool:
        """Whether all is as wished before the (monotonic) deadline."""
        with self._changed:
            while True:
                for watcher in self._watchers:
                    if watcher.fault:
                        raise watcher.fault
                now = time.monotonic()
                held = self._since()
                if held is not None and now >= held + self._wish.hold:
                    return True
                if now >= deadline:
                    return False
                end = deadline if held is None else min(deadline, held + self._wish.hold)
                self._changed.wait(end - now)

    def _since(self) -> float | None:
        """Since when enough targets have been as wished, without a break."""
        since = [watcher.since for watcher in self._watchers]
        met = [one for one in since if one is not None]
        if self._wish.any_one:
            return min(met, default=None)
        return max(met) if len(met) == len(since) else None

    def _diagnose(self) -> None:
        """Begin with the missing that are not as they were when last diagnosed: in good time, and once more at the end.

        A file, or what will not go, has no cause to find.
        """
        missing = [
            one for one in self._watchers
            if not one.met and one.target.transport != "file" and self._diagnosed.get(one.target) != len(one.history)
        ]  # fmt: skip
        if self._wish.gone or not missing:
            return
        for watcher in missing:
            watcher.step_aside()
            self._diagnosed[watcher.target] = len(watcher.history)
        by_target = {one.target: one for one in missing}
        begun = Diagnoses(list(by_target), self._wish.family, lambda target: by_target[target].come_back())
        self._diagnoses.append(begun)

    def _report(self, *, met: bool) -> Report:
        stories = [watcher.waited() for watcher in self._watchers]
        missing = [] if met else [one.target for one in stories if not one.ready]
        latest = {target: report for one in self._diagnoses for target, report in one.of(missing)}
        reports = tuple(latest[target] for target in missing if target in latest)
        found = causes_of(reports)
        return self._session.report(
            stories[0].target if len(stories) == 1 else None,
            Verdict.WORKS if met else Verdict.BROKEN,
            _served(stories, self._wish)
            if met
            else _missed(stories, self._wish, found[0].statement if found else None),
            findings=found,
            observations=[seen for one in reports for seen in one.observations]
            or [one.seen for one in stories if one.seen],
            facts=reports[0].facts if reports else Facts(),
            unknown=[
                *(gap for one in reports for gap in one.unknown),
                *(gap for one in self._diagnoses for gap in one.unfinished(missing)),
            ],
            extra={"waited": tuple(stories)},
        )


def _load() -> None:
    """What a diagnosis needs, while there is time."""
    import loopdiag.diagnose.topics
    import loopdiag.diagnose.why  # noqa: F401


def _served(stories: Sequence[Waited], wish: Wish) -> str:
    done = [one for one in stories if one.ready]
    last = max(done, key=lambda one: one.seconds or 0.0) if not wish.any_one else done[0]
    names = ", ".join(one.target.input for one in done[:4]) + (f" and {len(done) - 4} more" if len(done) > 4 else "")
    verb = "answer" if len(done) > 1 else "answers"
    says = f"no longer {verb}" if wish.gone else verb
    if len(done) == 1 and done[0].target.transport == "file" and not wish.gone:
        says = "is there"
    held = f" and stayed so for {wish.hold:g} s" if wish.hold else ""
    return f"{names} {says} after {last.seconds or 0.0:.3f} s{held}"


def _missed(stories: Sequence[Waited], wish: Wish, cause: str | None) -> str:
    """The first missing target's story; its cause in a sentence where one was found."""
    late = f"after {wish.timeout:g} s"
    missing = [one for one in stories if not one.ready]
    if not missing:
        return f"{late} {stories[0].target.input} has not stayed so for {wish.hold:g} s: {stories[0].story}"
    if cause and len(missing) == 1:
        return cause
    if len(stories) == 1:
        return f"{late} {_alone(missing[0], gone=wish.gone)}"
    verb = "is" if len(missing) == 1 else "are"
    state = "still there" if wish.gone else "not ready"
    shown = ", ".join(f"{one.target.input} ({one.story or one.says})" for one in missing[:_MOST_TOLD])
    more = f" and {len(missing) - _MOST_TOLD} more" if len(missing) > _MOST_TOLD else ""
    return f"{late} {len(missing)} of {len(stories)} targets {verb} {state}: {shown}{more}"


def _alone(one: Waited, *, gone: bool) -> str:
    if gone:
        return f"{one.target.input} still answers" + (f": {one.story}" if len(one.history) > 1 else "")
    if one.target.transport == "file":
        return f"{one.target} {one.says}"
    return f"{one.target.input} is not ready: {one.story or one.says}"
