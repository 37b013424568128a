"""How a check says what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.checkup import State
from loopdiag.model.finding import Severity
from loopdiag.model.report import Verdict
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.finding import Finding
    from loopdiag.model.report import Report
    from loopdiag.model.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Looked:
    """The outcome of one look."""

    state: State
    says: str
    findings: tuple[Finding, ...] = ()
    unknown: tuple[Unknown, ...] = ()


def passed(says: str) -> Looked:
    """All is well."""
    return Looked(State.PASSED, says)


def skipped(because: str) -> Looked:
    """Not looked at."""
    return Looked(State.SKIPPED, because)


def unread(gap: Unknown) -> Looked:
    """Could not be read: skipped, and told among the gaps."""
    return Looked(State.SKIPPED, gap.because, (), (gap,))


def found(*findings: Finding) -> Looked:
    """What the first finding says, as bad as the worst of them."""
    state = State.FAILED if any(one.severity is Severity.ERROR for one in findings) else State.WARNED
    return Looked(state, findings[0].statement, findings)


def of_report(report: Report, says: str) -> Looked:
    """Another command's report as one line of the checklist; `says` where it works. Notes are left to that command."""
    told = tuple(one for one in report.findings if one.severity is not Severity.NOTE)
    if report.verdict is Verdict.WORKS:
        return Looked(State.WARNED, told[0].statement, told, report.unknown) if told else Looked(State.PASSED, says)
    if report.verdict is Verdict.UNKNOWN:
        return Looked(State.SKIPPED, report.summary, told, report.unknown)
    errors = any(one.severity is Severity.ERROR for one in told)
    failed = report.verdict is Verdict.BROKEN or errors
    return Looked(State.FAILED if failed else State.WARNED, report.summary, told, report.unknown)
