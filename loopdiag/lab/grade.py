"""Whether a run said what its scenario expects: a list of what falls short, empty when all holds. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.lab.build import Run
    from loopdiag.lab.scenario import Expect


def faults(expect: Expect, run: Run) -> tuple[str, ...]:
    """Short sentences, each about one thing that is not as expected."""
    if run.fault:
        return (run.fault,)
    if "Traceback (most recent call last)" in run.err or "a bug in loopdiag" in run.err:
        return (f"a bug: {run.err.strip().splitlines()[-1][:200]}",)
    return tuple(_of_run(expect, run)) + tuple(_of_report(expect, run))


def found(run: Run) -> tuple[str, ...]:
    """The causes that the run's report names, in its order."""
    report = read(run)
    return tuple(str(finding.get("cause")) for finding in report.get("findings", ())) if report else ()


def read(run: Run) -> dict[str, Any] | None:
    """The report on the run's stdout; None where there is none."""
    try:
        report = json.loads(run.out)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


def _of_run(expect: Expect, run: Run) -> Iterator[str]:
    if expect.exit and run.status not in expect.exit:
        yield f"exit {run.status}, not {_any(expect.exit)}"
    if expect.within and (run.seconds or 0) > expect.within:
        yield f"took {run.seconds:.1f} s, not {expect.within} s"


def _of_report(expect: Expect, run: Run) -> Iterator[str]:
    report = read(run)
    if report is None:
        if any((expect.verdict, expect.cause, expect.also, expect.never, expect.says)):
            yield f"no report: {(run.err or run.out).strip()[:160] or 'not a word'}"
        return
    findings, causes = report.get("findings") or [], found(run)
    if expect.verdict and report.get("verdict") not in expect.verdict:
        yield f"verdict {report.get('verdict')}, not {_any(expect.verdict)}"
    if expect.cause and (causes[0] if causes else None) not in expect.cause:
        yield f"first cause {causes[0] if causes else 'none'}, not {_any(expect.cause)}"
    if expect.verdict == ("works",):
        for finding in findings:
            if finding.get("severity") == "error":
                yield f"{finding.get('cause')} is an error on a healthy host"
    yield from (f"{cause} is missing" for cause in expect.also if cause not in causes)
    yield from (f"{cause} is wrongly found" for cause in expect.never if cause in causes)
    first = json.dumps(findings[0] if findings else report, ensure_ascii=False)
    yield from (f"the first finding does not say {text!r}" for text in expect.says if text not in first)


def _any(values: tuple[object, ...]) -> str:
    return " or ".join(map(str, values))
