"""Connections that stand and get no further, and packets that are lost where no rule may be read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loopdiag.explain.filtering.qdisc import qdisc_on_loopback
from loopdiag.explain.filtering.queues import queue_without_consumer
from loopdiag.explain.filtering.standing import by_chance, stands_and_stops
from loopdiag.explain.filtering.unseen import filter_unseen
from loopdiag.explain.filtering.verdicts import filter_drops
from loopdiag.explain.verdict import verdict
from loopdiag.model.counters import Counters
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.observation import Outcome, UdpExchange
from loopdiag.model.report import Verdict
from loopdiag.model.service import HttpExchange
from loopdiag.model.unknown import Unknown
from tests.unit.explain.filtering.cases import HALF_OPEN, LISTENER, NOQUEUE, NUMGEN, RECORD, SILENT, WORKS, case
from tests.unit.explain.packetfilter.rulesets import ACCEPT, DROP, chain, dport, match, ruleset


def test_data_that_is_dropped_under_a_connection() -> None:
    pushed = match({"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, "psh"]}, "psh")
    rules = ruleset(chain([dport(80), pushed, DROP]))
    (found,) = stands_and_stops(case(WORKS, rules))
    assert found.cause == "filter-drops"
    assert "the data to 127.0.0.1:80" in found.statement


def test_a_rate_that_let_the_syn_pass_stops_the_end_of_the_handshake() -> None:
    rules = ruleset(chain([dport(80), {"limit": {"rate": 1, "per": "hour"}}, ACCEPT], [dport(80), DROP]))
    assert not list(stands_and_stops(case(WORKS, rules)))  # it may have let all pass
    (found,) = stands_and_stops(case(HALF_OPEN, rules))
    assert found.certainty is Certainty.LIKELY
    assert "rule 2" in found.statement
    assert "client's end only" in found.statement
    assert any("a rate limit" in one.says for one in found.evidence)
    assert next(stands_and_stops(case(HALF_OPEN, rules, drops=(RECORD,)))).certainty is Certainty.PROVEN


def test_a_handshake_that_does_not_end_where_no_rule_may_be_read() -> None:
    hidden: dict[str, Any] = {
        "filter_paths": None,
        "ruleset": Unknown("packet filter rules", "reading them needs CAP_NET_ADMIN"),
    }
    (found,) = stands_and_stops(case(HALF_OPEN, **hidden))
    assert (found.cause, found.certainty) == ("filter-drops", Certainty.LIKELY)
    full = replace(LISTENER, queue=129)
    assert not list(stands_and_stops(case(HALF_OPEN, listeners=(full,), **hidden)))  # no room for it
    (other,) = qdisc_on_loopback(case(HALF_OPEN, qdiscs=(replace(NOQUEUE, kind="blackhole"),)))
    assert other.cause == "qdisc-on-loopback"


def test_a_rule_for_what_follows_is_not_to_blame_where_nothing_followed() -> None:
    established = match({"ct": {"key": "state"}}, "established", "in")
    rules = ruleset(chain([dport(80), established, DROP]))
    assert not list(filter_drops(case(SILENT, rules)))


def test_a_rule_that_stops_packets_by_chance_degrades_what_works() -> None:
    rules = ruleset(chain([dport(80), NUMGEN, DROP]))
    seen = case(WORKS, rules)
    (found,) = by_chance(seen)
    assert (found.severity, found.certainty) == (Severity.ERROR, Certainty.LIKELY)
    assert verdict(seen, [found]) is Verdict.DEGRADED
    rate = {"limit": {"rate": 100, "per": "second", "inv": True}}
    assert not list(by_chance(case(WORKS, ruleset(chain([dport(80), rate, DROP])))))
    assert not list(by_chance(case(SILENT, rules)))


def test_what_is_said_and_never_acknowledged() -> None:
    silent = HttpExchange(address="127.0.0.1", port=80, outcome=Outcome.TIMED_OUT, sent="GET /", local="127.0.0.1:1",
                          unacknowledged=True, seconds=1.5)  # fmt: skip
    hidden = case(WORKS, filter_paths=None, ruleset=Unknown("packet filter rules", "reading them needs CAP_NET_ADMIN"))
    (found,) = stands_and_stops(replace(hidden, observations=(WORKS, silent)))
    assert (found.cause, found.certainty) == ("filter-drops", Certainty.LIKELY)
    assert "not acknowledged" in found.statement
    heard = replace(silent, unacknowledged=False)
    assert not list(stands_and_stops(replace(hidden, observations=(WORKS, heard))))


def test_a_quota_that_runs_out_once_the_connection_stands() -> None:
    rules = ruleset(chain([dport(80), {"quota": {"val": 130, "inv": True}}, DROP]))
    silent = HttpExchange(address="127.0.0.1", port=80, outcome=Outcome.TIMED_OUT, sent="GET /", unacknowledged=True)
    standing = replace(WORKS, far_end="ESTABLISHED")
    (found,) = stands_and_stops(replace(case(standing, rules), observations=(standing, silent)))
    assert "the data to" in found.statement
    assert not list(stands_and_stops(case(standing, rules)))


@pytest.mark.parametrize(("sent", "delivered", "says"), [
    (0, 0, "on its way out"), (2, 0, "the packet crosses lo"), (4, 2, "or what answers it"), (4, 4, None),
])  # fmt: skip
def test_where_packets_got_lost_for_whom_may_not_read_the_rules(sent: int, delivered: int, says: str | None) -> None:
    counters = Counters({"lo": sent}, {"lo": sent}, {"Ip.InDelivers": delivered})
    hidden: dict[str, Any] = {"filter_paths": None, "ruleset": Unknown("rules", "no right"), "counters": counters}
    silent = UdpExchange(address="127.0.0.1", port=80, outcome=Outcome.TIMED_OUT, local="127.0.0.1:40000")
    found = list(filter_unseen(case(silent, **hidden)))
    if says is None:
        assert found == []
        return
    assert (found[0].cause, found[0].certainty) == ("filter-drops", Certainty.LIKELY)
    assert says in found[0].statement
    assert not list(filter_unseen(case(silent, **{**hidden, "ruleset": ruleset(), "filter_paths": ()})))


def test_the_answer_to_a_syn_is_lost() -> None:
    taken = replace(LISTENER, state="SYN-RECV", peer_address="127.0.0.1", peer_port=40000)
    hidden: dict[str, Any] = {"filter_paths": None, "ruleset": Unknown("rules", "no right"), "sockets": (taken,)}
    (found,) = filter_unseen(case(SILENT, **hidden))
    assert "its answer is stopped on its way back" in found.statement
    assert found.certainty is Certainty.LIKELY


def test_a_queue_that_takes_what_follows_a_handshake() -> None:
    established = match({"ct": {"key": "state"}}, "established", "in")
    rules = ruleset(chain([dport(80), established, {"queue": {"num": 3}}]))
    assert not list(queue_without_consumer(case(WORKS, rules)))
    (found,) = queue_without_consumer(case(HALF_OPEN, rules))
    assert (found.certainty, "last packet of the handshake" in found.statement) == (Certainty.PROVEN, True)
    assert not list(stands_and_stops(case(HALF_OPEN, rules)))
