from __future__ import annotations

from dataclasses import replace

from loopdiag.explain.verdict import verdict
from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.finding import Evidence, Finding, Severity
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.report import Verdict
from loopdiag.model.target import parse_target

V4 = TcpConnect(address="127.0.0.1", port=3000, outcome=Outcome.CONNECTED, seconds=0.0001)
V6 = replace(V4, address="::1")
ERROR = Finding(cause="no-listener", subject="[::1]:3000", statement="x", evidence=(Evidence("a", "b"),))


def case(*observations: TcpConnect, command: str = "why") -> Case:
    return Case(command, parse_target("localhost:3000"), observations, Facts())


def refused(seen: TcpConnect) -> TcpConnect:
    return replace(seen, outcome=Outcome.REFUSED, errno="ECONNREFUSED")


def test_all_addresses_answer() -> None:
    assert verdict(case(V6, V4), ()) is Verdict.WORKS


def test_a_note_does_not_spoil_it() -> None:
    assert verdict(case(V6, V4), (replace(ERROR, severity=Severity.NOTE),)) is Verdict.WORKS


def test_one_of_two_addresses_answers() -> None:
    assert verdict(case(refused(V6), V4), (ERROR,)) is Verdict.DEGRADED


def test_no_address_answers() -> None:
    assert verdict(case(refused(V6), refused(V4)), ()) is Verdict.BROKEN


def test_connected_to_a_process_that_serves_nobody() -> None:
    stopped = replace(ERROR, cause="listener-stopped", subject="127.0.0.1:3000")
    assert verdict(case(V4), (stopped,)) is Verdict.BROKEN
    assert verdict(case(V4, V6), (stopped,)) is Verdict.DEGRADED


def test_nothing_was_tried() -> None:
    assert verdict(case(), ()) is Verdict.UNKNOWN
    assert verdict(case(), (ERROR,)) is Verdict.BROKEN
