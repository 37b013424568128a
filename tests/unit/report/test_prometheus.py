"""Read back by prometheus-client's parser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from loopdiag.model.assertion import Check
from loopdiag.model.readiness import Waited
from loopdiag.model.report import Report, Verdict
from loopdiag.model.target import parse_target
from loopdiag.report.formats import Layout, render
from tests.unit.report.machine import DOCTOR, FINDING, HEALTHY, NASTY, TROUBLED

Series = tuple[str, frozenset[tuple[str, str]]]


def read(report: Report) -> dict[Series, float]:
    text = render(report, "prometheus", Layout())
    assert text.endswith("\n")
    found: dict[Series, float] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type == "gauge"
        for sample in family.samples:
            assert sample.timestamp is None  # the textfile collector refuses them
            series = sample.name, frozenset(sample.labels.items())
            assert series not in found  # and a series that comes twice
            found[series] = sample.value
    return found


def value(report: Report, name: str, **labels: str) -> float:
    wanted = frozenset({"command": "why", "target": "localhost:3000", **labels}.items())
    return next(number for (found, whose), number in read(report).items() if found == name and wanted <= whose)


def test_what_works() -> None:
    assert value(HEALTHY, "loopdiag_up") == 1
    assert value(HEALTHY, "loopdiag_verdict", verdict="works") == 1
    assert value(HEALTHY, "loopdiag_verdict", verdict="broken") == 0
    assert value(HEALTHY, "loopdiag_duration_seconds") == 0.0421
    assert value(HEALTHY, "loopdiag_attempt_seconds", kind="tcp-connect", to="127.0.0.1:3000") == 0.000021


def test_what_is_broken() -> None:
    assert value(TROUBLED, "loopdiag_up") == 0
    assert value(TROUBLED, "loopdiag_finding", cause="listener-other-family", rank="1") == 1
    assert value(TROUBLED, "loopdiag_attempts", to="127.0.0.1:3000") == 2
    assert value(TROUBLED, "loopdiag_attempts_failed", to="[::1]:3000") == 1
    assert value(TROUBLED, "loopdiag_unknowns") == 1


def test_an_attempt_that_failed_has_no_time() -> None:
    assert not [
        1 for name, labels in read(TROUBLED) if name == "loopdiag_attempt_seconds" and ("to", "[::1]:3000") in labels
    ]


def test_a_label_that_outsiders_wrote() -> None:
    twice = replace(TROUBLED, findings=(replace(FINDING, subject=NASTY),) * 2)
    subjects = {dict(labels)["subject"] for name, labels in read(twice) if name == "loopdiag_finding"}
    assert len(subjects) == 1
    assert "\\#,]]>" in subjects.pop()


@pytest.mark.parametrize("verdict", list(Verdict))
def test_one_verdict_holds(verdict: Verdict) -> None:
    held = [dict(labels)["verdict"] for (name, labels), number in read(replace(HEALTHY, verdict=verdict)).items()
            if name == "loopdiag_verdict" and number == 1]  # fmt: skip
    assert held == [verdict.value]


def test_a_checklist() -> None:
    states = {dict(labels)["check"]: dict(labels)["state"] for name, labels in read(DOCTOR) if name == "loopdiag_check"}
    assert states == {"localhost": "passed", "exposed": "warned", "proxies": "skipped"}


def test_files_of_several_runs_can_lie_side_by_side() -> None:
    one = Check(name="db", kind="tcp", target="127.0.0.1:1", expect="connected", got="refused", ok=False, seconds=0.1)
    checks = replace(HEALTHY, command="check", target=None, extra={"file": "ci.toml", "checks": (one, one)})
    assert value(checks, "loopdiag_check", command="check", target="ci.toml", check="db", state="failed") == 1
    assert value(checks, "loopdiag_check", command="check", target="ci.toml", check="db (2)") == 1
    targets = [parse_target("127.0.0.1:1"), parse_target("127.0.0.1:2")]
    stories = tuple(Waited(target=one, ready=one.port == 1, seconds=None, says="", history=()) for one in targets)
    waited = replace(HEALTHY, command="wait", target=None, extra={"waited": stories})
    both = "127.0.0.1:1, 127.0.0.1:2"
    assert value(waited, "loopdiag_check", command="wait", target=both, check="127.0.0.1:2", state="failed") == 1
