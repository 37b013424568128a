"""Routes and rules that reject, no route at all, reverse path, martians."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loopdiag.explain.routing.martians import martian_arrival, martian_loopback, reverse_path_filter
from loopdiag.explain.routing.meaning import meaning
from loopdiag.explain.routing.rejected import route_missing, route_rejects
from loopdiag.model.counters import Counters
from loopdiag.model.finding import Certainty
from loopdiag.model.journey import Drop
from loopdiag.model.observation import Outcome
from loopdiag.model.packetfilter import FilterPath, Packet
from loopdiag.model.route import PolicyRule
from tests.unit.explain.healthy import ETH, LO, OWN, SYSCTLS, attempt, case, elsewhere, local, nowhere

PROHIBIT = PolicyRule(priority=5, action="prohibit", table=None, text="5: from all to 10.0.0.5 prohibit")
FAR = "192.0.2.9"
STRICT = {**SYSCTLS, "net.ipv4.conf.eth0.rp_filter": "1"}
RPFILTER = Drop(reason="IP_RPFILTER", place="ip_rcv_finish", at=0.0, device="eth0")
LOCALNET = Drop(reason="IP_LOCALNET", place="ip_route_input_noref", at=0.0, device="eth0")
SENT = Packet(family=4, protocol="tcp", source="127.0.0.1", destination="127.0.0.1", destination_port=80)


def translated(destination: str) -> FilterPath:
    return FilterPath(
        packet=SENT, verdict="accept", steps=(), certain=True, rewritten=replace(SENT, destination=destination)
    )


@pytest.mark.parametrize("rule", [route_rejects, route_missing, reverse_path_filter, martian_loopback])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", OWN])
def test_healthy_routing_is_not_blamed(rule, address) -> None:  # type: ignore[no-untyped-def]
    assert not list(rule(case(attempt(address))))
    assert not list(rule(case(attempt(address), sysctls=STRICT)))
    assert not list(rule(case(attempt(address), routes=None)))


def test_a_route_that_rejects() -> None:
    answer = nowhere("127.0.0.7", "EHOSTUNREACH", type="unreachable", table="local", matched="127.0.0.7/32")
    (found,) = route_rejects(case(attempt("127.0.0.7", Outcome.UNREACHABLE, "EHOSTUNREACH"), routes=(answer,)))
    assert found.fixes[0].run == "ip route del unreachable 127.0.0.7/32 table local"


def test_a_rule_that_rejects_the_answers() -> None:
    back = nowhere("127.0.0.1", "EACCES", type="prohibit", rule=PROHIBIT, rule_rejects=True, way="back", about=OWN)
    (found,) = route_rejects(case(attempt(OWN), routes=(local(OWN), back)))
    assert f"the answers from {OWN}" in found.statement
    assert found.fixes[0].run == "ip rule del pref 5"


def test_an_unreachable_default_route_elsewhere_is_no_matter() -> None:
    assert not list(route_rejects(case(attempt(OWN), routes=(local(OWN), nowhere(FAR, type="unreachable")))))


def test_no_route() -> None:
    unreachable = attempt(FAR, Outcome.UNREACHABLE, "ENETUNREACH")
    (found,) = route_missing(case(unreachable, routes=(nowhere(FAR),)))
    assert FAR in found.statement


@pytest.mark.parametrize("address", ["127.0.0.1", OWN, "224.0.0.1"])
def test_no_route_has_other_causes_for_these(address: str) -> None:
    unreachable = attempt(address, Outcome.UNREACHABLE, "ENETUNREACH")
    assert not list(route_missing(case(unreachable, routes=(nowhere(address),))))


def test_a_drop_by_reverse_path_is_proof() -> None:
    (found,) = reverse_path_filter(case(attempt(FAR), routes=(elsewhere(FAR),), drops=(RPFILTER,), sysctls=STRICT))
    assert found.certainty is Certainty.PROVEN


def test_the_counter_alone_may_be_of_other_packets() -> None:
    counters = Counters({}, {}, {"TcpExt.IPReversePathFilter": 1})
    (found,) = reverse_path_filter(case(attempt(FAR), routes=(elsewhere(FAR),), counters=counters, sysctls=STRICT))
    assert found.certainty is Certainty.LIKELY


def test_the_way_back_leads_elsewhere() -> None:
    back = elsewhere(FAR, through="eth1", device="eth1", way="reverse", about=FAR)
    skewed: dict[str, Any] = {"routes": (elsewhere(FAR), back)}
    assert not list(reverse_path_filter(case(attempt(FAR), **skewed)))
    assert list(reverse_path_filter(case(attempt(FAR), **skewed, sysctls=STRICT)))


def test_questions_by_another_door_are_left_unanswered() -> None:
    second = replace(ETH, name="eth1", index=3, addresses=())
    strict = {**SYSCTLS, "net.ipv4.conf.eth1.rp_filter": "1"}
    asked = Counters({"lo": 0, "eth0": 1, "eth1": 2}, {}, {})
    seen: dict[str, Any] = {"routes": (elsewhere(FAR),), "interfaces": (LO, ETH, second), "sysctls": strict}
    (found,) = reverse_path_filter(case(attempt(FAR), **seen, counters=asked))
    assert "eth1" in found.statement
    answered = replace(asked, protocol={"Ip.InReceives": 1})
    assert not list(reverse_path_filter(case(attempt(FAR), **seen, counters=answered)))


def test_nat_of_loopback_to_another_host() -> None:
    (found,) = martian_loopback(case(attempt("127.0.0.1"), filter_paths=(translated("10.0.0.9"),)))
    assert "10.0.0.9" in found.statement
    assert "route_localnet=1" in (found.fixes[0].run or "")


@pytest.mark.parametrize("destination", ["127.0.0.2", OWN])
def test_nat_that_stays_on_this_host(destination: str) -> None:
    assert not list(martian_loopback(case(attempt("127.0.0.1"), filter_paths=(translated(destination),))))


def test_nat_where_loopback_may_leave() -> None:
    allowed = {**SYSCTLS, "net.ipv4.conf.all.route_localnet": "1"}
    paths = (translated("10.0.0.9"),)
    assert not list(martian_loopback(case(attempt("127.0.0.1"), filter_paths=paths, sysctls=allowed)))


def test_a_martian_seen_to_be_dropped() -> None:
    (found,) = martian_loopback(case(attempt(FAR), routes=(elsewhere(FAR),), drops=(LOCALNET,)))
    assert found.certainty is Certainty.PROVEN


def test_a_martian_that_would_come_in() -> None:
    asked = nowhere("127.0.0.1", "EINVAL", asked_from="10.0.0.9", input_device="eth0")
    assert list(martian_arrival(case(command="route", routes=(asked,))))
    assert not list(martian_arrival(case(command="route", routes=(replace(asked, input_device="lo"),))))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (local("127.9.9.9", matched="127.0.0.0/8"), "never leave the host"),
        (local(OWN, "eth0"), "its packets cross lo all the same"),
        (elsewhere(FAR), "leave this host by eth0, to the gateway 10.0.0.1"),
        (nowhere(FAR), "no rule and no table has a route"),
        (nowhere(OWN, "EACCES", rule=PROHIBIT, rule_rejects=True, type="prohibit"), PROHIBIT.text),
        (local("10.0.0.255", "eth0", type="broadcast"), "broadcast address of eth0"),
    ],
)
def test_what_an_answer_means(answer, says: str) -> None:  # type: ignore[no-untyped-def]
    assert says in meaning(answer)


def test_an_unspecified_destination_is_said_to_be_none() -> None:
    assert meaning(local("127.0.0.1"), "0.0.0.0").startswith("0.0.0.0 is no destination")
