"""What counts as passed: the same in every format, and the same as the exit code."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from loopdiag.cli.deliver import EXIT
from loopdiag.model.assertion import Check
from loopdiag.model.checkup import State
from loopdiag.model.report import Report, Verdict
from loopdiag.model.target import parse_target
from loopdiag.report.formats import Layout
from loopdiag.report.rows import Row, Status, one_line, rows
from tests.unit.report.machine import CHECKUP, DOCTOR, FINDING, HEALTHY, NASTY, REFUSED, TROUBLED


def by_name(report: Report, *, strict: bool = False) -> dict[str, Row]:
    found = rows(report, Layout(strict=strict))
    assert len({row.name for row in found}) == len(found)
    return {row.name: row for row in found}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_row_has_failed_or_is_unknown_only_where_the_exit_code_says_so(verdict: Verdict) -> None:
    report = replace(TROUBLED, verdict=verdict)
    bad = [row for row in rows(report, Layout()) if row.status in (Status.FAILED, Status.UNKNOWN)]
    assert bool(bad) == bool(EXIT[verdict])


def test_strict_makes_degraded_a_failure() -> None:
    report = replace(TROUBLED, verdict=Verdict.DEGRADED)
    assert [row.status for row in rows(report, Layout(strict=True))][:2] == [Status.FAILED, Status.FAILED]


def test_an_attempt_has_the_finding_about_its_own_endpoint() -> None:
    other = replace(FINDING, cause="loopback-down", subject="lo")
    report = replace(TROUBLED, findings=(other, FINDING))
    assert by_name(report)["tcp-connect [::1]:3000"].finding == FINDING
    assert by_name(report)["why localhost:3000"].finding == other


def test_an_attempt_that_succeeded_has_none() -> None:
    assert by_name(TROUBLED)["tcp-connect 127.0.0.1:3000"].finding is None


@pytest.mark.parametrize(("strict", "status"), [(False, Status.TOLERATED), (True, Status.FAILED)])
def test_the_checks_of_doctor(strict: bool, status: Status) -> None:
    found = by_name(DOCTOR, strict=strict)
    assert found["localhost"].status is Status.PASSED
    assert found["exposed"].status is status
    assert found["exposed"].finding == FINDING
    assert found["proxies"].status is Status.SKIPPED


@pytest.mark.parametrize(("ok", "status"), [(True, Status.PASSED), (False, Status.FAILED), (None, Status.UNKNOWN)])
def test_the_assertions_of_check(ok: bool | None, status: Status) -> None:
    one = Check(
        name="database", kind="tcp", target="127.0.0.1:5432", expect="connected", got="refused", ok=ok, seconds=0.1,
        cause=FINDING.cause,
    )  # fmt: skip
    row = by_name(replace(DOCTOR, command="check", findings=(FINDING,), extra={"checks": (one,)}))["database"]
    assert row.status is status
    assert row.finding == (None if ok else FINDING)
    assert row.says == "tcp 127.0.0.1:5432: refused" + ("" if ok else ", expected connected")


def test_a_check_that_failed_has_failed() -> None:
    broken = replace(DOCTOR, verdict=Verdict.BROKEN, extra={"checkup": (replace(CHECKUP[0], state=State.FAILED),)})
    assert by_name(broken)["localhost"].status is Status.FAILED


def waited(target: str, *, ready: bool) -> SimpleNamespace:
    return SimpleNamespace(target=parse_target(target), ready=ready, seconds=0.5, says="refused", story="")


def test_a_target_of_wait_is_explained_by_its_own_cause_alone() -> None:
    extra = {"waited": (waited("localhost:3000", ready=False), waited("localhost:4000", ready=False))}
    report = replace(HEALTHY, command="wait", target=None, verdict=Verdict.BROKEN, findings=(FINDING,), extra=extra)
    found = by_name(report)
    assert found["localhost:3000"].finding == FINDING
    assert found["localhost:4000"].finding is None
    assert found["localhost:4000"].status is Status.FAILED


def test_text_is_one_line_of_characters() -> None:
    assert one_line(NASTY).isprintable()


def test_seconds_are_kept() -> None:
    report = replace(HEALTHY, observations=(REFUSED,))
    assert by_name(report)["tcp-connect [::1]:3000"].seconds == REFUSED.seconds
