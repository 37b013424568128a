"""A discipline that holds packets back for longer than an answer is waited for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.filtering.qdisc import qdisc_on_loopback
from loopdiag.model.finding import Certainty
from loopdiag.model.limits import Qdisc
from loopdiag.model.observation import Outcome
from tests.unit.explain.healthy import attempt, case

SILENT = replace(attempt("127.0.0.1", Outcome.TIMED_OUT), seconds=0.5)
NETEM = Qdisc(device="lo", kind="netem", handle="8001:", parent="root", delay=0.3, backlog=2)


def test_an_answer_that_takes_longer_than_the_wait_is_not_lost() -> None:
    (found,) = qdisc_on_loopback(case(SILENT, qdiscs=(NETEM,)))
    assert (found.cause, found.certainty) == ("qdisc-on-loopback", Certainty.LIKELY)
    assert "holds each packet back for 300 ms" in found.statement
    assert "does not arrive in time" in found.statement


def test_what_has_come_out_of_the_queue_meanwhile_is_late_all_the_same() -> None:
    assert list(qdisc_on_loopback(case(SILENT, qdiscs=(replace(NETEM, backlog=0),))))


@pytest.mark.parametrize("changed", [{"delay": 0.01, "backlog": 0}, {"delay": None, "backlog": 0}])
def test_a_delay_that_the_wait_was_long_enough_for_explains_nothing(changed: dict[str, float | None]) -> None:
    assert not list(qdisc_on_loopback(case(SILENT, qdiscs=(replace(NETEM, **changed),))))  # type: ignore[arg-type]


def test_what_it_dropped_counts_first() -> None:
    (found,) = qdisc_on_loopback(case(SILENT, qdiscs=(replace(NETEM, drops=3),)))
    assert "has dropped 3 packets" in found.statement
