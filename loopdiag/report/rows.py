"""A Report as a flat list of things that were asked, each passed or not: what JUnit, TAP and Prometheus are made of.

The verdict is the first row, so that a file says "failed" exactly where the exit code does.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from loopdiag.model.report import Verdict
from loopdiag.model.value import dataclass
from loopdiag.report.style import harmless, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.assertion import Check
    from loopdiag.model.checkup import CheckResult
    from loopdiag.model.finding import Finding
    from loopdiag.model.observation import Observation
    from loopdiag.model.readiness import Waited
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout

# Halves of characters (Python's reading of a file name that is no UTF-8) and what Unicode keeps for no character.
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufffe\uffff]")


class Status(Enum):
    """`TOLERATED` did not get what it asked for, which the verdict puts up with; `UNKNOWN` could not be told.

    `SKIPPED` was not asked.
    """

    PASSED = "passed"
    FAILED = "failed"
    TOLERATED = "tolerated"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One question. `says` is one line; `finding` is what explains a row that did not pass."""

    name: str
    status: Status
    seconds: float | None
    says: str
    finding: Finding | None = None


def rows(report: Report, layout: Layout) -> tuple[Row, ...]:
    """The verdict, then every check, awaited target or observation; no two have the same name."""
    status = overall(report, layout)
    first = Row(
        name=title(report),
        status=status,
        seconds=report.seconds,
        says=one_line(f"{report.verdict.value}: {report.summary}"),
        finding=report.findings[0] if report.findings else None,
    )
    return tuple(_numbered((first, *_parts(report, Status.FAILED if status is Status.FAILED else Status.TOLERATED))))


def overall(report: Report, layout: Layout) -> Status:
    """The verdict as a status: degraded is tolerated unless --strict."""
    if report.verdict is Verdict.DEGRADED:
        return Status.FAILED if layout.strict else Status.TOLERATED
    return {Verdict.WORKS: Status.PASSED, Verdict.BROKEN: Status.FAILED}.get(report.verdict, Status.UNKNOWN)


def title(report: Report) -> str:
    """`why localhost:3000`."""
    return one_line(f"{report.command} {report.target.input}" if report.target else report.command)


def one_line(text: str) -> str:
    """`text` without line ends, control characters and halves of characters."""
    return harmless(" ".join(_NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text).split()))


def reasons(finding: Finding) -> Iterator[str]:
    """Evidence and fixes, one line each."""
    for piece in finding.evidence:
        yield one_line(f"because {piece.source}: {piece.says}")
    for fix in finding.fixes:
        yield one_line(f"to mend: {fix.say}")
        if fix.run:
            yield f"    {one_line(fix.run)}"


def _parts(report: Report, failed: Status) -> Iterator[Row]:
    """What did not work is as bad as `failed` says: tolerated where all works or is degraded."""
    if "checkup" in report.extra:
        yield from (_of_a_check(one, failed) for one in report.extra["checkup"])
    elif "checks" in report.extra:
        yield from (_of_an_assertion(one, report) for one in report.extra["checks"])
    elif "waited" in report.extra:
        yield from (_of_a_wait(one, report, failed) for one in report.extra["waited"])
    else:
        yield from (_of_an_attempt(one, report, failed) for one in report.observations)


def _of_an_assertion(one: Check, report: Report) -> Row:
    status = Status.UNKNOWN if one.ok is None else Status.PASSED if one.ok else Status.FAILED
    finding = next((found for found in report.findings if found.cause == one.cause), None)
    says = f"{one.kind} {one.target}: {_words(one.got)}" + ("" if one.ok else f", expected {_words(one.expect)}")
    return Row(name=one_line(one.name), status=status, seconds=one.seconds, says=one_line(says),
               finding=None if one.ok else finding)  # fmt: skip


def _words(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value) or "nothing"


def _of_a_check(one: CheckResult, failed: Status) -> Row:
    warned = failed if one.state.value == "warned" else Status.FAILED
    status = {"passed": Status.PASSED, "skipped": Status.SKIPPED}.get(one.state.value, warned)
    finding = one.findings[0] if one.findings else None
    return Row(name=one_line(one.name), status=status, seconds=one.seconds, says=one_line(one.says), finding=finding)


def _of_a_wait(one: Waited, report: Report, failed: Status) -> Row:
    """A finding is a target's own by its port, or where no other target is missing."""
    missing = [other for other in report.extra["waited"] if not other.ready]
    about = [found for found in report.findings if found.subject.endswith(f":{one.target.port}") or missing == [one]]
    says = one_line(one.story or one.says)
    if one.ready:
        return Row(name=one_line(one.target.input), status=Status.PASSED, seconds=one.seconds, says=says)
    return Row(name=one_line(one.target.input), status=failed, seconds=None, says=says, finding=next(iter(about), None))


def _of_an_attempt(seen: Observation, report: Report, failed: Status) -> Row:
    return Row(
        name=label(seen),
        status=Status.PASSED if seen.outcome.good else failed,
        seconds=seen.seconds,
        says=_ending(seen),
        finding=None if seen.outcome.good else _explaining(seen, report),
    )


def label(seen: Observation) -> str:
    """`tcp-connect [::1]:3000`; the echoes of a ping by their sequence."""
    sequence = getattr(seen, "sequence", 0)
    return one_line(f"{seen.label} seq {sequence}" if sequence else seen.label)


def _ending(seen: Observation) -> str:
    errno = f" ({seen.errno})" if seen.errno else ""
    after = "" if seen.seconds is None else f" after {milliseconds(seen.seconds)}"
    return f"{seen.outcome.value}{errno}{after}"


def _explaining(seen: Observation, report: Report) -> Finding | None:
    """The finding about this very endpoint, else the root cause."""
    about = [found for found in report.findings if found.subject == seen.to]
    return next(iter((*about, *report.findings)), None)


def _numbered(all_rows: tuple[Row, ...]) -> Iterator[Row]:
    """`name`, `name (2)`, ...: readers tell one case from another by its name."""
    from dataclasses import replace

    count: dict[str, int] = {}
    for row in all_rows:
        count[row.name] = count.get(row.name, 0) + 1
        yield row if count[row.name] == 1 else replace(row, name=f"{row.name} ({count[row.name]})")
