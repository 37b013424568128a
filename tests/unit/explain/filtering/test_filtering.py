from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from loopdiag.explain.filtering.cgroup import cgroup_denies
from loopdiag.explain.filtering.limits import connection_limit, table_full
from loopdiag.explain.filtering.nat import masquerade_on_loopback, nat_redirects
from loopdiag.explain.filtering.qdisc import qdisc_on_loopback, standing
from loopdiag.explain.filtering.queues import queue_without_consumer
from loopdiag.explain.filtering.sandbox import sandbox_denies
from loopdiag.explain.filtering.standing import by_chance, stands_and_stops
from loopdiag.explain.filtering.unseen import filter_unseen
from loopdiag.explain.filtering.verdicts import filter_drops, filter_rejects
from loopdiag.explain.packetfilter.journey import Exchange, follow
from loopdiag.explain.packetfilter.place import World
from loopdiag.explain.verdict import verdict
from loopdiag.model.case import Case
from loopdiag.model.counters import Counters
from loopdiag.model.facts import Facts
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.journey import Drop
from loopdiag.model.limits import CgroupProgram, Conntrack, Qdisc, Sandbox, TrafficFilter
from loopdiag.model.observation import Outcome, TcpConnect, UdpExchange
from loopdiag.model.packetfilter import LAST_OF_HANDSHAKE
from loopdiag.model.report import Verdict
from loopdiag.model.route import RouteAnswer
from loopdiag.model.service import Greeting, HttpExchange
from loopdiag.model.socket import Socket
from loopdiag.model.target import parse_target
from loopdiag.model.unknown import Unknown
from tests.unit.explain.healthy import ETH, LO
from tests.unit.explain.packetfilter.rulesets import ACCEPT, DROP, SYN, SYN_ACK, chain, counter, dport, match, ruleset

if TYPE_CHECKING:
    from loopdiag.model.observation import Observation
    from loopdiag.model.packetfilter import FilterPath, Ruleset

SILENT = TcpConnect(address="127.0.0.1", port=80, outcome=Outcome.TIMED_OUT, seconds=1.2, local="127.0.0.1:40000")
REFUSED = replace(SILENT, outcome=Outcome.REFUSED, errno="ECONNREFUSED")
DENIED = replace(SILENT, outcome=Outcome.DENIED, errno="EPERM")
WORKS = replace(SILENT, outcome=Outcome.CONNECTED, seconds=0.0001)
HALF_OPEN = replace(WORKS, far_end="SYN-RECV")
LISTENER = Socket(protocol="tcp", state="LISTEN", address="127.0.0.1", port=80, families=("ipv4",), queue_limit=128)
RECORD = Drop(reason="NETFILTER_DROP", place="nft_do_chain", at=0.0001)
PROGRAM = CgroupProgram(cgroup="/app", attach_type="inet4_connect", id=7, name="deny")
SANDBOX = Sandbox(seccomp="disabled", no_new_privileges=False, capabilities=())
NOQUEUE = Qdisc(device="lo", kind="noqueue", handle="0:", parent="root")
NUMGEN = match({"numgen": {"mode": "random", "mod": 2, "offset": 0}}, 0)


def paths(rules: Ruleset, *, answered: bool = False) -> tuple[FilterPath, ...]:
    world = World(addresses=frozenset({"127.0.0.1", "::1"}), devices={"lo": 1}, masquerade="")
    last = replace(SYN, name=LAST_OF_HANDSHAKE, state="established", tcp_flags=frozenset({"ack"}))
    data = replace(last, name="data", tcp_flags=frozenset({"ack", "psh"}))
    exchange = Exchange(of=SILENT.label, probe=SYN, answers=(SYN_ACK,), later=(last, data), answered=answered)
    return tuple(follow(rules, world, exchange))


def case(seen: Observation = SILENT, rules: Ruleset | None = None, **facts: Any) -> Case:
    read = ruleset() if rules is None else rules
    came = seen.outcome is Outcome.CONNECTED
    given: dict[str, Any] = {"ruleset": read, "filter_paths": paths(read, answered=came), "interfaces": (LO, ETH),
                             "listeners": (LISTENER,), **facts}  # fmt: skip
    return Case("why", parse_target("127.0.0.1:80"), (seen,), Facts(**given))


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


def test_a_program_on_the_cgroup() -> None:
    found = next(cgroup_denies(case(DENIED, cgroup_programs=(PROGRAM,), sandbox=SANDBOX)))
    assert found.certainty is Certainty.PROVEN
    assert not list(cgroup_denies(case(DENIED, cgroup_programs=(replace(PROGRAM, attach_type="inet6_connect"),))))
    assert not list(cgroup_denies(case(SILENT, cgroup_programs=(PROGRAM,), sandbox=SANDBOX)))


def test_an_output_drop_explains_eperm_of_udp_better_than_a_program() -> None:
    denied = UdpExchange(address="127.0.0.1", port=80, outcome=Outcome.DENIED, errno="EPERM", failed_call="send")
    dropped = tuple(replace(path, of=denied.label) for path in paths(ruleset(chain([DROP], hook="output"))))
    one = case(denied, cgroup_programs=(replace(PROGRAM, attach_type="inet_egress"),), filter_paths=dropped)
    assert not list(cgroup_denies(one))
    assert list(filter_drops(one))


def test_seccomp_is_blamed_for_what_nothing_else_explains() -> None:
    confined = replace(SANDBOX, seccomp="filter", no_new_privileges=True)
    assert next(sandbox_denies(case(DENIED, sandbox=confined, cgroup_programs=()))).certainty is Certainty.PROVEN
    hidden = Unknown("BPF programs on cgroups", "needs CAP_BPF")
    assert next(sandbox_denies(case(DENIED, sandbox=confined, cgroup_programs=hidden))).certainty is Certainty.LIKELY
    assert not list(sandbox_denies(case(DENIED, sandbox=confined, cgroup_programs=(PROGRAM,))))
    assert not list(sandbox_denies(case(REFUSED, sandbox=confined, cgroup_programs=())))
    assert not list(sandbox_denies(case(DENIED, sandbox=SANDBOX, cgroup_programs=())))


def test_landlock_was_tried() -> None:
    denied = replace(DENIED, errno="EACCES")
    assert list(sandbox_denies(case(denied, sandbox=replace(SANDBOX, landlock="denies connect"))))
    assert not list(sandbox_denies(case(denied, sandbox=replace(SANDBOX, landlock="denies bind"))))


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


def test_a_rule_that_stops_packets_by_chance_degrades_what_works() -> None:
    rules = ruleset(chain([dport(80), NUMGEN, DROP]))
    seen = case(WORKS, rules)
    (found,) = by_chance(seen)
    assert (found.severity, found.certainty) == (Severity.ERROR, Certainty.LIKELY)
    assert verdict(seen, [found]) is Verdict.DEGRADED
    rate = {"limit": {"rate": 100, "per": "second", "inv": True}}
    assert not list(by_chance(case(WORKS, ruleset(chain([dport(80), rate, DROP])))))
    assert not list(by_chance(case(SILENT, rules)))


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


@pytest.mark.parametrize(("errno", "certainty"), [
    ("ECONNREFUSED", Certainty.PROVEN), ("ETIMEDOUT", Certainty.PROVEN), ("ENETUNREACH", Certainty.LIKELY)
])  # fmt: skip
def test_an_errno_that_no_network_gave(errno: str, certainty: Certainty) -> None:
    filtered = replace(SANDBOX, seccomp="filter")
    route = RouteAnswer(question="", destination="127.0.0.1", type="local", device="lo")
    seen = replace(REFUSED, errno=errno, outcome=Outcome.REFUSED, local=None)
    nothing: dict[str, Any] = {
        "sandbox": filtered,
        "route": route,
        "cgroup_programs": (),
        "counters": Counters({}, {}, {}),
    }
    (found,) = sandbox_denies(case(seen, **nothing))
    assert found.certainty is certainty
    sent = {**nothing, "counters": Counters({}, {}, {"Tcp.ActiveOpens": 1})}
    assert not list(sandbox_denies(case(seen, **sent)))
    assert not list(sandbox_denies(case(seen, **{**nothing, "sandbox": SANDBOX})))


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


def test_a_rule_that_forwards_packets_to_another_device() -> None:
    taken = replace(chain([dport(80), {"fwd": {"dev": "up0"}}], family="netdev", hook="ingress"), devices=("lo",))
    (found,) = filter_drops(case(rules=ruleset(taken)))
    assert "takes away, to up0, the SYN" in found.statement


def test_a_listener_of_the_tests_own_that_is_refused() -> None:
    hidden = case(REFUSED, listeners=(), filter_paths=None, ruleset=Unknown("packet filter rules", "no right"))
    assert not list(filter_unseen(hidden))
    (found,) = filter_unseen(replace(hidden, command="bind-test"))
    assert (found.cause, found.certainty) == ("filter-rejects", Certainty.LIKELY)
