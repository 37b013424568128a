"""Run many scenarios and grade each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.lab.build import in_order
from loopdiag.lab.grade import faults, found
from loopdiag.lab.words import programs
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from loopdiag.lab.build import Run
    from loopdiag.lab.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One scenario's outcome. `lacks` names a program that this machine does not have: then it was not run."""

    name: str
    expected: tuple[str, ...]
    found: tuple[str, ...]
    faults: tuple[str, ...]
    seconds: float | None
    lacks: str | None = None

    @property
    def holds(self) -> bool:
        """All is as expected."""
        return not self.faults and self.lacks is None


def score(scenarios: Sequence[tuple[Path, Scenario]], jobs: int) -> Iterator[Score]:
    """The scores in the order given, each as soon as it is there."""
    runnable = [one for one in scenarios if not missing(one[1])]
    runs = in_order(runnable, jobs)
    for _, scenario in scenarios:
        lacks = missing(scenario)
        yield _unrun(scenario, lacks) if lacks else graded(scenario, next(runs))
    runs.close()  # type: ignore[attr-defined]


def missing(scenario: Scenario) -> str | None:
    """A program that the steps need and this machine lacks."""
    from shutil import which

    return next((program for program in programs(scenario.steps) if not which(program)), None)


def graded(scenario: Scenario, run: Run) -> Score:
    """A run against its scenario's expectation."""
    return Score(name=scenario.name, expected=scenario.expect.cause, found=found(run),
                 faults=faults(scenario.expect, run), seconds=run.seconds)  # fmt: skip


def _unrun(scenario: Scenario, lacks: str) -> Score:
    return Score(name=scenario.name, expected=scenario.expect.cause, found=(), faults=(), seconds=None, lacks=lacks)
