"""Rules of the packet filter, nat, queues, limits and disciplines that stop an attempt, or change its end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loopdiag.explain.filtering.cgroup import cgroup_denies
from loopdiag.explain.filtering.limits import connection_limit, table_full
from loopdiag.explain.filtering.nat import masquerade_on_loopback, nat_redirects
from loopdiag.explain.filtering.qdisc import qdisc_on_loopback, standing
from loopdiag.explain.filtering.queues import queue_without_consumer
from loopdiag.explain.filtering.sandbox import sandbox_denies
from loopdiag.explain.filtering.standing import stands_and_stops
from loopdiag.explain.filtering.unseen import filter_unseen
from loopdiag.explain.filtering.verdicts import filter_drops, filter_rejects
from loopdiag.explain.verdict import verdict
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.limits import Conntrack, Qdisc, TrafficFilter
from loopdiag.model.observation import Outcome
from loopdiag.model.report import Verdict
from loopdiag.model.service import Greeting
from loopdiag.model.unknown import Unknown
from tests.unit.explain.filtering.cases import LISTENER, NOQUEUE, NUMGEN, RECORD, REFUSED, SANDBOX, SILENT, WORKS, case
from tests.unit.explain.packetfilter.rulesets import DROP, chain, counter, dport, ruleset


def test_a_healthy_host_shows_nothing() -> None:
    rules = (filter_drops, filter_rejects, stands_and_stops, nat_redirects, masquerade_on_loopback,
             queue_without_consumer, connection_limit, table_full, qdisc_on_loopback, cgroup_denies, sandbox_denies,
             filter_unseen)  # fmt: skip
    healthy = case(WORKS, qdiscs=(NOQUEUE,), cgroup_programs=(), sandbox=SANDBOX, conntrack=Conntrack(count=3, limit=9))
    assert [found for rule in rules for found in rule(healthy)] == []


def test_the_rule_that_drops_is_named_with_its_handle() -> None:
    (found,) = filter_drops(case(rules=ruleset(chain([dport(22), DROP], [dport(80), DROP], name="in"))))
    assert found.certainty is Certainty.PROVEN
    assert "rule 2 of chain in in table inet t (handle 2)" in found.statement
    assert found.fixes[0].run == "nft delete rule inet t in handle 2"
    assert found.subject == "127.0.0.1:80"


def test_an_answer_contradicts_a_drop() -> None:
    dropping = ruleset(chain([dport(80), DROP]))
    assert not list(filter_drops(case(WORKS, dropping)))
    assert not list(filter_drops(case(REFUSED, dropping)))


def test_a_drop_by_chance_is_likely_and_proven_by_the_kernels_record() -> None:
    rules = ruleset(chain([dport(80), NUMGEN, DROP]))
    assert next(filter_drops(case(rules=rules))).certainty is Certainty.LIKELY
    assert next(filter_drops(case(rules=rules, drops=(RECORD,)))).certainty is Certainty.PROVEN


def test_a_policy_is_mended_by_letting_lo_pass() -> None:
    (found,) = filter_drops(case(rules=ruleset(chain(policy="drop", name="in"))))
    assert "the policy of chain in" in found.statement
    assert found.fixes[0].run == "nft insert rule inet t in iif lo accept"


@pytest.mark.parametrize(("kind", "errno", "outcome"), [
    ({"type": "tcp reset"}, "ECONNREFUSED", Outcome.REFUSED),
    ({"type": "icmpx", "expr": "admin-prohibited"}, "EHOSTUNREACH", Outcome.UNREACHABLE),
    ({"type": "icmp", "expr": "net-prohibited"}, "ENETUNREACH", Outcome.UNREACHABLE),
])  # fmt: skip
def test_rejects(kind: dict[str, str], errno: str, outcome: Outcome) -> None:
    seen = replace(SILENT, outcome=outcome, errno=errno)
    (found,) = filter_rejects(case(seen, ruleset(chain([dport(80), {"reject": kind}]))))
    assert found.certainty is Certainty.PROVEN


def test_nat_to_a_dead_port() -> None:
    rules = ruleset(chain([dport(80), {"redirect": {"port": 8080}}], hook="output", priority=-100, kind="nat"))
    (found,) = nat_redirects(case(REFUSED, rules))
    assert found.severity is Severity.ERROR
    assert "127.0.0.1:8080" in found.statement


def test_nat_that_works_is_a_warning_where_a_listener_is_passed_by() -> None:
    rules = ruleset(chain([dport(80), {"redirect": {"port": 8080}}], hook="output", priority=-100, kind="nat"))
    assert next(nat_redirects(case(WORKS, rules))).severity is Severity.WARNING
    assert next(nat_redirects(case(WORKS, rules, listeners=()))).severity is Severity.NOTE


def test_masquerade_without_an_address() -> None:
    rules = ruleset(chain([{"masquerade": None}], hook="postrouting", priority=100, kind="nat"))
    (found,) = masquerade_on_loopback(case(SILENT, rules))
    assert (found.severity, found.certainty) == (Severity.ERROR, Certainty.PROVEN)


def test_a_queue_that_nobody_reads() -> None:
    rules = ruleset(chain([dport(80), {"queue": {"num": 5}}]))
    (found,) = queue_without_consumer(case(rules=rules))
    assert "queue 5" in found.statement


def test_a_limit_of_connections_is_counted() -> None:
    limit = {"ct count": {"val": 2, "inv": True}}
    rules = ruleset(chain([dport(80), limit, counter(1), DROP]))
    held = replace(LISTENER, state="ESTABLISHED", peer_address="127.0.0.1", peer_port=4)
    assert next(connection_limit(case(rules=rules, sockets=(held, held)))).certainty is Certainty.PROVEN
    assert next(connection_limit(case(rules=rules, sockets=(held,)))).certainty is Certainty.LIKELY
    assert not list(filter_drops(case(rules=rules)))


def test_the_table_is_full() -> None:
    assert not list(table_full(case(conntrack=Conntrack(count=8, limit=9))))
    assert list(table_full(case(conntrack=Conntrack(count=9, limit=9))))
    assert not list(table_full(case(WORKS, conntrack=Conntrack(count=9, limit=9))))


@pytest.mark.parametrize(("changed", "certainty"), [
    ({"kind": "blackhole"}, Certainty.PROVEN), ({"kind": "pfifo", "limit": 0}, Certainty.PROVEN),
    ({"kind": "tbf", "burst": 40}, Certainty.PROVEN), ({"kind": "tbf", "drops": 3}, Certainty.LIKELY),
    ({"kind": "htb", "backlog": 2}, Certainty.PROVEN), ({"kind": "htb"}, None),
])  # fmt: skip
def test_disciplines(changed: dict[str, Any], certainty: Certainty | None) -> None:
    found = list(qdisc_on_loopback(case(qdiscs=(replace(NOQUEUE, **changed),))))
    assert [one.certainty for one in found] == ([] if certainty is None else [certainty])


def test_a_slow_discipline_is_a_warning() -> None:
    late = replace(WORKS, seconds=0.2)
    (found,) = qdisc_on_loopback(case(late, qdiscs=(replace(NOQUEUE, kind="tbf", rate=1000),)))
    assert found.severity is Severity.WARNING
    assert not list(qdisc_on_loopback(case(WORKS, qdiscs=(replace(NOQUEUE, kind="tbf", rate=1000),))))


def test_rules_that_cannot_be_read_are_only_possible() -> None:
    hidden = Unknown("packet filter rules", "reading them needs CAP_NET_ADMIN")
    unread: dict[str, Any] = {"ruleset": hidden, "filter_paths": None}
    assert next(filter_unseen(case(SILENT, **unread))).certainty is Certainty.POSSIBLE
    assert next(filter_unseen(case(REFUSED, **unread))).cause == "filter-rejects"
    assert not list(filter_unseen(case(SILENT, **{**unread, "listeners": ()})))
    assert not list(filter_unseen(case(SILENT)))


def test_an_icmp_error_to_tcp_proves_a_filter() -> None:
    hidden = Unknown("packet filter rules", "reading them needs CAP_NET_ADMIN")
    seen = replace(REFUSED, error_from="127.0.0.1")
    (found,) = filter_unseen(case(seen, ruleset=hidden, filter_paths=None, listeners=()))
    assert (found.cause, found.certainty) == ("filter-rejects", Certainty.PROVEN)


@pytest.mark.parametrize(("qdisc", "says"), [
    (replace(NOQUEUE, kind="tbf", rate=1000), "8000 bit/s"),
    (replace(NOQUEUE, kind="netem", loss=0.25), "25%"),
    (replace(NOQUEUE, kind="blackhole"), "every packet"),
    (replace(NOQUEUE, kind="clsact", filters=(
        TrafficFilter(parent="egress", kind="u32", priority=1, actions=("mirred stolen",)),)), "elsewhere"),
    (replace(NOQUEUE, kind="htb", rate=1_250_000_000), None),
    (replace(NOQUEUE, kind="clsact", filters=(
        TrafficFilter(parent="egress", kind="u32", priority=1, actions=("mirred pipe",)),)), None),
    (NOQUEUE, None),
])  # fmt: skip
def test_what_can_be_said_against_a_discipline_before_anything_is_sent(qdisc: Qdisc, says: str | None) -> None:
    found = standing(qdisc)
    assert found is None if says is None else says in (found or "")


def test_a_filter_that_sends_packets_elsewhere() -> None:
    thief = TrafficFilter(parent="egress", kind="u32", priority=1, actions=("mirred stolen",), packets=2)
    (found,) = qdisc_on_loopback(case(qdiscs=(replace(NOQUEUE, kind="clsact", filters=(thief,)),)))
    assert "sent 2 packets elsewhere" in found.statement


def test_nat_by_chance_to_where_nobody_listens() -> None:
    choice = {"map": {"key": {"numgen": {"mode": "random", "mod": 2, "offset": 0}},
                      "data": {"set": [[0, "127.0.0.1"], [1, "127.0.0.9"]]}}}  # fmt: skip
    rules = ruleset(chain([dport(80), {"dnat": {"addr": choice}}], hook="output", priority=-100, kind="nat"))
    (found,) = nat_redirects(case(WORKS, rules))
    assert "to 127.0.0.9, depending on chance" in found.statement
    assert not list(nat_redirects(case(WORKS, rules, listeners=(replace(LISTENER, address="0.0.0.0"),))))


def test_a_service_that_turns_away_whom_source_nat_makes_a_stranger() -> None:
    rules = ruleset(chain([{"snat": {"addr": "10.0.0.5"}}], hook="postrouting", priority=100, kind="nat"))
    says = Greeting(address="127.0.0.1", port=80, outcome=Outcome.REPLIED, received=30, local="127.0.0.1:40000",
                    text="connections from 10.0.0.5 are not allowed")  # fmt: skip
    served = case(WORKS, rules)
    assert next(masquerade_on_loopback(served)).severity is Severity.WARNING
    told = replace(served, observations=(WORKS, says))
    (found,) = masquerade_on_loopback(told)
    assert found.severity is Severity.ERROR
    assert verdict(told, [found]) is Verdict.BROKEN


def test_a_rule_that_forwards_packets_to_another_device() -> None:
    taken = replace(chain([dport(80), {"fwd": {"dev": "up0"}}], family="netdev", hook="ingress"), devices=("lo",))
    (found,) = filter_drops(case(rules=ruleset(taken)))
    assert "takes away, to up0, the SYN" in found.statement


def test_a_listener_of_the_tests_own_that_is_refused() -> None:
    hidden = case(REFUSED, listeners=(), filter_paths=None, ruleset=Unknown("packet filter rules", "no right"))
    assert not list(filter_unseen(hidden))
    (found,) = filter_unseen(replace(hidden, command="bind-test"))
    assert (found.cause, found.certainty) == ("filter-rejects", Certainty.LIKELY)
