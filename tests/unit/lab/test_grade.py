from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from loopdiag.lab.build import Run
from loopdiag.lab.grade import faults, found
from loopdiag.lab.scenario import Expect

EXPECT = Expect(verdict=("broken",), cause=("filter-drops",), exit=(1,), says=("wall",), within=3.0)
FINDING = {"cause": "filter-drops", "severity": "error", "statement": "a rule of table wall drops it"}


def run(status: int = 1, **report: Any) -> Run:
    return Run(status=status, seconds=0.2, out=json.dumps({"verdict": "broken", "findings": [FINDING], **report}))


def test_what_holds_has_no_faults() -> None:
    assert faults(EXPECT, run()) == ()
    assert found(run()) == ("filter-drops",)


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (run(status=0), "exit 0, not 1"),
        (run(verdict="works"), "verdict works, not broken"),
        (run(findings=[]), "first cause none, not filter-drops"),
        (run(findings=[{"cause": "no-listener"}, FINDING]), "first cause no-listener, not filter-drops"),
        (run(findings=[{**FINDING, "statement": "a rule drops it"}]), "does not say 'wall'"),
        (replace(run(), seconds=3.4), "took 3.4 s, not 3.0 s"),
        (replace(run(), out="what?"), "no report: what?"),
        (replace(run(), err="Traceback (most recent call last):\n  x\nKeyError: 1"), "a bug: KeyError: 1"),
        (Run(fault="step 2 (ip link add): no"), "step 2 (ip link add): no"),
    ],
)
def test_what_falls_short_is_said(outcome: Run, says: str) -> None:
    assert any(says in fault for fault in faults(EXPECT, outcome))


def test_a_healthy_host_may_have_no_error() -> None:
    healthy = Expect(verdict=("works",))
    warned = {"cause": "unsafe-port", "severity": "note"}
    assert faults(healthy, run(verdict="works", findings=[warned])) == ()
    assert faults(healthy, run(verdict="works")) == ("filter-drops is an error on a healthy host",)


def test_also_and_never() -> None:
    expect = Expect(also=("no-listener",), never=("filter-drops",))
    assert faults(expect, run()) == ("no-listener is missing", "filter-drops is wrongly found")
