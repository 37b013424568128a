"""What follows from another finding is not told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.settle import settle
from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.finding import Certainty, Finding, Severity
from loopdiag.model.target import parse_target

CASE = Case("why", parse_target("udp://localhost:5300"), (), Facts())
RULE = Finding(evidence=(), cause="rule-before-local", subject="10.0.0.5:5300", statement="a rule takes it")
SILENT = Finding(
    evidence=(), cause="udp-no-reply", severity=Severity.WARNING, subject="10.0.0.5:5300", statement="nothing came"
)
GUESS = Finding(
    evidence=(), cause="filter-drops", certainty=Certainty.POSSIBLE, subject="10.0.0.5:5300", statement="may drop it"
)


@pytest.mark.parametrize("follows", [SILENT, GUESS])
def test_where_packets_have_no_way_silence_and_guesses_follow(follows: Finding) -> None:
    assert settle(CASE, (follows, RULE)) == (RULE,)
    down = replace(RULE, cause="loopback-down", subject="lo")
    assert settle(CASE, (follows, down)) == (down,)


def test_at_another_endpoint_they_do_not() -> None:
    off = replace(RULE, cause="ipv6-disabled", subject="[::1]:5300")
    assert settle(CASE, (off, SILENT)) == (off, SILENT)


def test_beside_what_is_likely_a_guess_is_told() -> None:
    likely = replace(RULE, certainty=Certainty.LIKELY)
    assert settle(CASE, (likely, GUESS)) == (likely, GUESS)
