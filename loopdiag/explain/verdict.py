"""The verdict and the summary of a case with its findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.finding import Severity
from loopdiag.model.report import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.finding import Finding


def verdict(case: Case, findings: Sequence[Finding]) -> Verdict:
    """`works` when all attempts did and no finding is an error; `degraded` when some did; `unknown` without proof."""
    errors = [found for found in findings if found.severity is Severity.ERROR]
    if case.worked and not case.failed:
        return Verdict.DEGRADED if errors else Verdict.WORKS
    if case.worked:
        return Verdict.DEGRADED
    return Verdict.BROKEN if errors or case.failed else Verdict.UNKNOWN
