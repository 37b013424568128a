"""Read back by junitparser, and by what GitLab's and Jenkins' readers demand."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as Xml

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from loopdiag.model.report import Report, Verdict
from loopdiag.report.formats import Layout, render
from tests.unit.report.machine import DOCTOR, HEALTHY, TROUBLED


def read(report: Report, layout: Layout | None = None) -> tuple[TestSuite, list[TestCase]]:
    suites = list(JUnitXml.fromstring(render(report, "junit", layout or Layout()).encode()))
    assert len(suites) == 1
    suite = suites[0]
    assert isinstance(suite, TestSuite)
    return suite, list(suite)


def test_what_works_has_no_failure() -> None:
    suite, cases = read(HEALTHY)
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (2, 0, 0, 0)
    assert [case.name for case in cases] == ["why localhost:3000", "tcp-connect 127.0.0.1:3000"]
    assert all(case.is_passed for case in cases)
    assert suite.time == pytest.approx(0.0421)


def test_a_failure_carries_cause_statement_and_evidence() -> None:
    _, cases = read(TROUBLED)
    for case in cases[:2]:
        (failure,) = case.result
        assert isinstance(failure, Failure)
        assert failure.type == "listener-other-family"
        assert "listens on 127.0.0.1:3000 only" in failure.message
        assert "because tcp-connect [::1]:3000: refused" in failure.text
        assert "to mend: listen on ::" in failure.text
        assert "not seen: packet filter rules" in failure.text


def test_the_counts_are_those_of_the_cases() -> None:
    suite, cases = read(TROUBLED)
    assert suite.tests == len(cases) == 4
    assert suite.failures == sum(bool(case.result) for case in cases) == 2


def test_no_two_cases_have_the_same_name() -> None:
    _, cases = read(TROUBLED)
    assert len({case.name for case in cases}) == len(cases)


@pytest.mark.parametrize(
    ("verdict", "strict", "kind"),
    [
        (Verdict.DEGRADED, False, Skipped),
        (Verdict.DEGRADED, True, Failure),
        (Verdict.UNKNOWN, False, Error),
        (Verdict.BROKEN, False, Failure),
    ],
)
def test_the_first_case_is_the_verdict(verdict: Verdict, strict: bool, kind: type) -> None:
    _, cases = read(replace(TROUBLED, verdict=verdict), Layout(strict=strict))
    assert isinstance(cases[0].result[0], kind)


def test_an_attempt_fails_only_where_the_exit_code_does() -> None:
    suite, _ = read(replace(TROUBLED, verdict=Verdict.DEGRADED))
    assert (suite.failures, suite.errors, suite.skipped) == (0, 0, 2)


def test_what_outsiders_wrote_is_text_and_nothing_more() -> None:
    text = render(TROUBLED, "junit", Layout())
    assert not {letter for letter in text if ord(letter) < 32 and letter not in "\n\t"}
    assert not set(text) & {"\ufffe", "\ud800"}
    assert {element.tag for element in Xml.fromstring(text).iter()} == {
        "testsuites", "testsuite", "testcase", "failure", "system-out",
    }  # fmt: skip


def test_a_checklist_is_a_case_a_check() -> None:
    suite, cases = read(DOCTOR)
    assert [case.name for case in cases] == ["doctor", "localhost", "exposed", "proxies"]
    assert (suite.failures, suite.errors, suite.skipped) == (0, 0, 3)
