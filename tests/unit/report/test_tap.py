"""Read back by tap.py, its YAML blocks by PyYAML."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tap.line import Plan, Result, Version
from tap.parser import Parser

from loopdiag.model.report import Report, Verdict
from loopdiag.model.target import parse_target
from loopdiag.report.formats import Layout, render
from tests.unit.report.machine import DOCTOR, HEALTHY, TROUBLED


def read(report: Report, layout: Layout | None = None) -> list[Result]:
    lines = list(Parser().parse_text(render(report, "tap", layout or Layout())))
    version, plan = lines[:2]
    assert isinstance(version, Version)
    assert version.version == 14
    assert isinstance(plan, Plan)
    results = [line for line in lines if isinstance(line, Result)]
    assert plan.expected_tests == len(results)
    assert [line.number for line in results] == list(range(1, len(results) + 1))
    assert not [line for line in lines if line.category == "unknown"]
    return results


def test_what_works() -> None:
    results = read(HEALTHY)
    assert [one.ok for one in results] == [True, True]
    assert results[1].description == "- tcp-connect 127.0.0.1:3000"
    assert results[1].yaml_block["duration_ms"] == pytest.approx(0.021)


def test_what_is_broken_carries_its_diagnosis() -> None:
    first, refused, connected, _ = read(TROUBLED)
    assert (first.ok, refused.ok, connected.ok) == (False, False, True)
    block = first.yaml_block
    assert block["cause"] == "listener-other-family"
    assert block["certainty"] == "likely"
    assert block["statement"].endswith("listens on 127.0.0.1:3000 only")
    assert block["evidence"][0].startswith("tcp-connect [::1]:3000: refused")
    assert len(block["fixes"]) == 2


@pytest.mark.parametrize(("strict", "todo"), [(False, True), (True, False)])
def test_a_tolerated_failure_is_a_todo(strict: bool, todo: bool) -> None:
    results = read(replace(TROUBLED, verdict=Verdict.DEGRADED), Layout(strict=strict))
    assert [one.todo for one in results[:2]] == [todo, todo]
    assert not any(one.ok for one in results[:2])


def test_what_could_not_be_told_has_not_passed() -> None:
    assert not read(replace(HEALTHY, verdict=Verdict.UNKNOWN))[0].ok


def test_a_hash_in_a_name_begins_no_directive() -> None:
    text = render(replace(HEALTHY, target=parse_target("unix:/run/a#TODO")), "tap", Layout())
    assert text.splitlines()[2] == r"ok 1 - why unix:/run/a\#TODO"


def test_every_line_is_of_the_grammar() -> None:
    grammar = re.compile(r"TAP version 14|1\.\.\d+|(not )?ok \d+ - .+|  .*|# .+")
    assert all(grammar.fullmatch(line) for line in render(TROUBLED, "tap", Layout()).split("\n")[:-1])


def test_a_check_that_was_not_made_is_skipped() -> None:
    results = read(DOCTOR)
    assert [(one.ok, one.todo, one.skip) for one in results[1:]] == [
        (True, False, False), (False, True, False), (True, False, True),
    ]  # fmt: skip
