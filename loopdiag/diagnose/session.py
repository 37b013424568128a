"""What every diagnosis starts and ends with: the clock, and the Report around what was found."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from loopdiag.model.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.facts import Facts
    from loopdiag.model.finding import Finding
    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Verdict
    from loopdiag.model.target import Target
    from loopdiag.model.unknown import Unknown


class Session:
    """One command's run, from its first moment to its report."""

    def __init__(self, command: str) -> None:
        self.command = command
        self._started = datetime.now(UTC)
        self._clock = time.monotonic()

    def judged(
        self,
        target: Target,
        observations: Sequence[Observation],
        facts: Facts,
        summary: Callable[[Case], str],
        extra: Mapping[str, Any] | None = None,
    ) -> Report:
        """The report of a case that the rules judge; `summary` says it in a sentence where no finding does."""
        from loopdiag.explain.contradiction import contradictions  # what judges is loaded where there is a case
        from loopdiag.explain.engine import judge
        from loopdiag.explain.verdict import verdict
        from loopdiag.model.case import Case

        case = Case(self.command, target, tuple(observations), facts)
        found = judge(case)
        said = verdict(case, found)
        text = found[0].statement if found and said.value != "works" else summary(case)
        return self.report(
            target,
            said,
            text,
            findings=found,
            observations=observations,
            facts=facts,
            unknown=contradictions(case, found),
            extra=extra,
        )

    def report(
        self,
        target: Target | None,
        said: Verdict,
        summary: str,
        *,
        findings: Iterable[Finding] = (),
        observations: Iterable[Observation] = (),
        facts: Facts,
        unknown: Iterable[Unknown] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> Report:
        """The report with its times; gaps in the facts are listed without being asked for."""
        return Report(
            command=self.command,
            started=self._started,
            seconds=time.monotonic() - self._clock,
            target=target,
            verdict=said,
            summary=summary,
            findings=tuple(findings),
            observations=tuple(observations),
            facts=facts,
            unknown=tuple(dict.fromkeys((*facts.unknowns(), *unknown))),
            extra=extra or {},
        )
