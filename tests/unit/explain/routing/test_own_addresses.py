"""Own addresses that the routing takes for somebody else's: a healthy host, and one thing changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loopdiag.explain.routing.own_addresses import local_route_missing, rule_before_local
from loopdiag.model.bind import Bind, BoundConnect
from loopdiag.model.echo import IcmpEcho
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.interface import Interface
from loopdiag.model.observation import Outcome
from loopdiag.model.packetfilter import FilterPath, Packet
from loopdiag.model.route import PolicyRule, Route
from loopdiag.model.unknown import Unknown
from tests.unit.explain.healthy import (
    ETH,
    LO,
    LOCAL_TABLE,
    MAIN_RULE,
    OWN,
    OWN_SIX,
    RULES,
    attempt,
    case,
    elsewhere,
    local,
    nowhere,
)

EARLY = PolicyRule(priority=0, action="lookup", table="99", text="0: from all to 10.0.0.5 lookup 99", destination=OWN)
BEFORE = (EARLY, *RULES)
TAKEN = elsewhere(OWN, rule=EARLY, table="99")


@pytest.mark.parametrize("rule", [rule_before_local, local_route_missing])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.3.3.3", "::1", OWN, OWN_SIX])
def test_healthy_routing_is_not_blamed(rule, address) -> None:  # type: ignore[no-untyped-def]
    assert not list(rule(case(attempt(address))))
    assert not list(rule(case(attempt(address), local_table=Unknown("local table", "refused"))))
    assert not list(rule(case(attempt(address), routes=None)))
    assert not list(rule(case(attempt("192.0.2.1"), routes=(elsewhere("192.0.2.1"),))))


def test_a_rule_ahead_takes_the_packets() -> None:
    (found,) = rule_before_local(case(attempt(OWN), rules=BEFORE, routes=(TAKEN,)))
    assert (found.cause, found.certainty) == ("rule-before-local", Certainty.PROVEN)
    assert EARLY.text in found.statement
    assert not list(local_route_missing(case(attempt(OWN), rules=BEFORE, routes=(TAKEN,))))


def test_a_rule_on_the_source_shows_with_the_source_alone() -> None:
    with_source = replace(TAKEN, asked_from=OWN)
    assert list(rule_before_local(case(attempt(OWN), rules=BEFORE, routes=(local(OWN), with_source))))


def test_a_rule_that_takes_the_answers() -> None:
    back = elsewhere("127.0.0.1", asked_from="127.0.0.2", rule=EARLY, table="99", way="back", about="127.0.0.2")
    (found,) = rule_before_local(case(attempt("127.0.0.2"), rules=BEFORE, routes=(local("127.0.0.2"), back)))
    assert "the answers from 127.0.0.2" in found.statement


def test_a_refused_loopback_source_is_still_taken_away() -> None:
    refused = replace(elsewhere("127.0.0.1", rule=EARLY, table="99"), errno="EINVAL", asked_from="127.0.0.1")
    assert list(rule_before_local(case(attempt("127.0.0.1"), rules=BEFORE, routes=(local("127.0.0.1"), refused))))


def test_a_rule_that_leads_to_a_local_route_elsewhere_takes_nothing_away() -> None:
    kept = local(OWN, rule=EARLY, table="99")
    assert not list(rule_before_local(case(attempt(OWN), rules=BEFORE, routes=(kept,))))


def test_an_answer_by_another_transport_proves_nothing_for_this_one() -> None:
    echo = IcmpEcho(address=OWN, outcome=Outcome.REPLIED)
    assert list(rule_before_local(case(echo, attempt(OWN), rules=BEFORE, routes=(TAKEN,))))
    through = attempt(OWN, Outcome.CONNECTED)
    assert not list(rule_before_local(case(through, attempt(OWN), rules=BEFORE, routes=(TAKEN,))))


def test_a_goto_that_leads_past_table_local() -> None:
    goto = PolicyRule(priority=0, action="goto", table=None, text="0: from all to 10.0.0.5 goto 32766", goto=32766)
    late = replace(RULES[0], priority=100)
    jumped = elsewhere(OWN, rule=MAIN_RULE, jump=goto)
    (found,) = rule_before_local(case(attempt(OWN), rules=(goto, late, MAIN_RULE), routes=(jumped,)))
    assert goto.text in found.statement
    assert not list(local_route_missing(case(attempt(OWN), rules=(goto, late, MAIN_RULE), routes=(jumped,))))


def test_an_own_address_that_stands_in_table_local_as_broadcast() -> None:
    retyped = tuple(replace(one, type="broadcast") if one.destination == f"{OWN}/32" else one for one in LOCAL_TABLE)
    (found,) = local_route_missing(
        case(attempt(OWN), local_table=retyped, routes=(local(OWN, "eth0", type="broadcast"),))
    )
    assert "a broadcast route for 10.0.0.5/32" in found.statement
    group = case(attempt("127.255.255.255"), routes=(local("127.255.255.255", type="broadcast"),))
    assert not list(local_route_missing(group))


def test_an_answer_proves_that_packets_come_through() -> None:
    refused = attempt(OWN, Outcome.REFUSED, "ECONNREFUSED")
    assert not list(rule_before_local(case(refused, rules=BEFORE, routes=(TAKEN,))))


def test_a_mark_counts_where_the_filter_sets_it() -> None:
    marked = replace(TAKEN, mark=7, way="what-if", about=OWN)
    asked: dict[str, Any] = {"rules": BEFORE, "routes": (local(OWN), marked)}
    assert not list(rule_before_local(case(attempt(OWN), **asked)))
    packet = Packet(family=4, protocol="tcp", source=OWN, destination=OWN)
    path = FilterPath(packet=packet, verdict="accept", steps=(), certain=True, rewritten=replace(packet, mark=7))
    assert list(rule_before_local(case(attempt(OWN), **asked, filter_paths=(path,))))


def test_route_tells_of_rules_that_take_some_packets() -> None:
    narrow = replace(TAKEN, port=80, way="what-if", about=OWN)
    (found,) = rule_before_local(case(command="route", host=OWN, rules=BEFORE, routes=(local(OWN), narrow)))
    assert found.severity is Severity.WARNING


def test_a_deleted_local_route() -> None:
    table = tuple(route for route in LOCAL_TABLE if route.destination != f"{OWN}/32")
    gone = case(attempt(OWN), local_table=table, routes=(elsewhere(OWN),))
    (found,) = local_route_missing(gone)
    assert (found.cause, found.certainty) == ("local-route-missing", Certainty.PROVEN)
    assert f"ip route add local {OWN} dev eth0" in (found.fixes[0].run or "")
    assert not list(rule_before_local(gone))


def test_a_tentative_address_has_no_local_route_yet() -> None:
    six = replace(ETH.addresses[1], flags=("tentative",))
    waiting = case(
        attempt(OWN_SIX), interfaces=(LO, replace(ETH, addresses=(six,))), local_table=(),
        routes=(elsewhere(OWN_SIX),),
    )  # fmt: skip
    assert not list(local_route_missing(waiting))


@pytest.mark.parametrize("kind", ["throw", "unicast"])
def test_another_route_in_its_place(kind: str) -> None:
    table = (*LOCAL_TABLE, Route(destination="127.0.0.9/32", table="local", type=kind))
    (found,) = local_route_missing(case(attempt("127.0.0.9"), local_table=table, routes=(nowhere("127.0.0.9"),)))
    assert f"a {kind} route" in found.statement


def test_a_closer_route_of_table_main() -> None:
    closer = elsewhere("127.0.0.9", matched="127.0.0.9/32")
    (found,) = local_route_missing(case(attempt("127.0.0.9"), routes=(closer,)))
    assert "the closer route 127.0.0.9/32 of table main" in found.statement


def test_no_rule_leads_to_table_local() -> None:
    rules = tuple(rule for rule in RULES if rule.table != "local")
    (alone,) = local_route_missing(case(attempt("127.0.0.1"), rules=rules, routes=(nowhere("127.0.0.1"),)))
    assert "no policy rule leads to table local" in alone.statement
    routed = case(attempt(OWN), rules=rules, routes=(elsewhere(OWN, rule=MAIN_RULE),))
    assert [found.cause for found in rule_before_local(routed)] == ["rule-before-local"]
    assert not list(local_route_missing(routed))


def test_an_interface_in_a_vrf() -> None:
    vrf = Interface(
        name="red", index=9, up=True, running=True, loopback=False, mtu=65575, qdisc=None, addresses=(), kind="vrf",
        vrf_table="10",
    )  # fmt: skip
    table = tuple(route for route in LOCAL_TABLE if route.destination != f"{OWN}/32")
    member = case(
        attempt(OWN), interfaces=(LO, replace(ETH, master="red"), vrf), local_table=table, routes=(nowhere(OWN),)
    )
    (found,) = local_route_missing(member)
    assert "VRF red" in found.statement


def test_a_port_that_is_reached_from_some_addresses_and_not_from_others() -> None:
    bound = Bind(address="127.0.0.1", port=80, outcome=Outcome.BOUND)
    good = BoundConnect(address="127.0.0.1", port=80, outcome=Outcome.CONNECTED, local="127.0.0.1:40000")
    silent = replace(good, outcome=Outcome.TIMED_OUT, local=OWN)
    asked = case(bound, good, silent, command="bind-test", rules=BEFORE, routes=(local("127.0.0.1"), TAKEN))
    (found,) = rule_before_local(asked)
    assert OWN in found.statement
    whole = replace(asked, observations=(bound, good, replace(silent, outcome=Outcome.CONNECTED)))
    assert not list(rule_before_local(whole))
