"""Why the targets that are missing do not answer: the diagnosis of `why`, for each, side by side."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from loopdiag.diagnose.awaiting.watcher import NAME
from loopdiag.model.report import Verdict
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loopdiag.model.finding import Finding
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target

AHEAD = 1.6  # seconds before the time is up that a diagnosis begins
LATEST = 4.0  # seconds after it that one is waited for
_MOST = 8  # at a time


class Diagnoses:
    """Runs `why` for each target in threads of their own; `done` hears of each that is over."""

    def __init__(self, targets: Sequence[Target], family: int | None, done: Callable[[Target], None]) -> None:
        self._targets = list(targets)
        self._family, self._done = family, done
        self._reports: dict[Target, Report] = {}
        self._faults: list[BaseException] = []
        self._left = iter(self._targets)
        self._lock = threading.Lock()
        count = min(_MOST, len(self._targets))
        self._threads = [threading.Thread(target=self._work, daemon=True, name=NAME) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def wait(self, deadline: float) -> None:
        """Until all are done, or the (monotonic) deadline; a bug in a diagnosis is raised here."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._faults:
            raise self._faults[0]

    def of(self, targets: Sequence[Target]) -> Iterator[tuple[Target, Report]]:
        """The reports on these, as far as there are."""
        yield from ((one, self._reports[one]) for one in targets if one in self._reports)

    def unfinished(self, targets: Sequence[Target]) -> Iterator[Unknown]:
        """The targets whose diagnosis was not over in time."""
        for one in targets:
            if one in self._targets and one not in self._reports:
                yield Unknown(f"why {one} does not answer", "its diagnosis took too long: run `loopdiag why` on it")

    def _work(self) -> None:
        from loopdiag.diagnose.why import why

        while True:
            with self._lock:
                target = next(self._left, None)
            if target is None:
                return
            try:
                self._reports[target] = why(target, family=self._family)
            except BaseException as fault:  # noqa: BLE001 - raised again in the thread that waits
                self._faults.append(fault)
                return
            self._done(target)


def causes_of(reports: Sequence[Report]) -> tuple[Finding, ...]:
    """Their findings in order, each said once; of a target that answers the diagnosis, none that calls it broken."""
    found: dict[tuple[str, str], Finding] = {}
    for report in reports:
        if report.verdict is not Verdict.WORKS:
            for one in report.findings:
                found.setdefault((one.cause, one.subject), one)
    return tuple(found.values())
