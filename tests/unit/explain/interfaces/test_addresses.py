"""Addresses: on no interface, tentative, without their zone, multicast."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.interfaces.addresses import (
    address_not_local,
    address_tentative,
    source_not_local,
    zone_missing,
)
from loopdiag.explain.interfaces.meaning import meaning, with_meanings
from loopdiag.explain.multicast import multicast_unavailable
from loopdiag.model.bind import Bind
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.interface import InterfaceAddress
from loopdiag.model.observation import Outcome
from loopdiag.model.socket import Socket
from tests.unit.explain.healthy import ETH, LO, OWN, OWN_SIX, attempt, case, elsewhere, local, nowhere

LINK_LOCAL = replace(ETH, addresses=(*ETH.addresses, InterfaceAddress("fe80::5", 64, "link")))
UNBOUND = Bind(address="10.0.0.6", port=80, outcome=Outcome.FAILED, errno="EADDRNOTAVAIL", failed_call="bind")


def flagged(*flags: str) -> tuple[object, ...]:
    return LO, replace(ETH, addresses=(InterfaceAddress(OWN_SIX, 64, "global", flags),))


@pytest.mark.parametrize("rule", [address_not_local, address_tentative, zone_missing, multicast_unavailable])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", OWN, OWN_SIX, "fe80::5%eth0"])
def test_a_healthy_address(rule, address) -> None:  # type: ignore[no-untyped-def]
    assert not list(rule(case(attempt(address), interfaces=(LO, LINK_LOCAL))))


def test_what_cannot_be_bound_is_not_here() -> None:
    (found,) = address_not_local(case(UNBOUND, command="bind-test", routes=(elsewhere("10.0.0.6"),)))
    assert (found.certainty, found.subject) == (Certainty.PROVEN, "10.0.0.6:80")
    assert OWN in found.evidence[0].says


def test_a_silent_address_of_the_own_network_is_only_likely_meant_to_be_here() -> None:
    (found,) = address_not_local(case(attempt("10.0.0.6"), routes=(elsewhere("10.0.0.6", gateway=None),)))
    assert (found.certainty, found.severity) == (Certainty.LIKELY, Severity.ERROR)


def test_another_host_that_refuses_is_an_error_where_this_one_serves() -> None:
    refused = attempt("192.0.2.9", Outcome.REFUSED, "ECONNREFUSED")
    (found,) = address_not_local(case(refused, routes=(elsewhere("192.0.2.9"),)))
    assert found.severity is Severity.WARNING
    served = Socket(protocol="tcp", state="LISTEN", address="0.0.0.0", port=80, families=("ipv4",))
    (found,) = address_not_local(case(refused, routes=(elsewhere("192.0.2.9"),), listeners=(served,)))
    assert found.severity is Severity.ERROR


def test_an_own_address_that_stands_in_the_table_as_broadcast_is_still_its_own() -> None:
    assert not list(address_not_local(case(attempt(OWN), routes=(local(OWN, type="broadcast"),))))


def test_an_address_that_a_route_makes_local() -> None:
    assert not list(address_not_local(case(attempt("198.51.100.9"), routes=(local("198.51.100.9"),))))


def test_a_source_that_is_not_here() -> None:
    asked = nowhere("127.0.0.1", "EINVAL", asked_from="198.51.100.9")
    (found,) = source_not_local(case(command="route", routes=(asked,)))
    assert found.subject == "198.51.100.9"


@pytest.mark.parametrize(
    ("flags", "word"), [(("tentative",), "not finished"), (("dadfailed", "tentative"), "another host")]
)
def test_an_address_that_is_not_usable(flags: tuple[str, ...], word: str) -> None:
    (found,) = address_tentative(case(attempt(OWN_SIX), interfaces=flagged(*flags)))
    assert word in found.statement


@pytest.mark.parametrize("flags", [("optimistic", "tentative"), ("permanent",), ("deprecated",)])
def test_flags_that_leave_an_address_usable(flags: tuple[str, ...]) -> None:
    assert not list(address_tentative(case(attempt(OWN_SIX), interfaces=flagged(*flags))))


def test_a_link_local_address_needs_its_zone() -> None:
    invalid = attempt("fe80::5", Outcome.FAILED, "EINVAL")
    (found,) = zone_missing(case(invalid, interfaces=(LO, LINK_LOCAL)))
    assert found.fixes[0].say.endswith("fe80::5%eth0")


def test_the_wrong_zone() -> None:
    (found,) = zone_missing(case(attempt("fe80::5%lo"), interfaces=(LO, LINK_LOCAL)))
    assert "it is on eth0, not on lo" in found.statement


def test_a_group_without_a_route() -> None:
    unrouted = attempt("239.1.1.1", Outcome.UNREACHABLE, "ENETUNREACH")
    (found,) = multicast_unavailable(case(unrouted, routes=(nowhere("239.1.1.1"),)))
    assert "no route leads to it" in found.statement


def test_a_group_on_an_interface_that_does_no_multicast() -> None:
    unrouted = attempt("ff02::1%lo", Outcome.UNREACHABLE, "ENETUNREACH")
    (found,) = multicast_unavailable(case(unrouted, routes=(nowhere("ff02::1"),)))
    assert "lo does not do multicast" in found.statement


def test_tcp_makes_no_connection_to_a_group() -> None:
    unreachable = attempt("239.1.1.1", Outcome.UNREACHABLE, "ENETUNREACH")
    (found,) = multicast_unavailable(case(unreachable, routes=(elsewhere("239.1.1.1"),)))
    assert "TCP has no multicast" in found.statement


def test_a_silent_group_may_have_no_members() -> None:
    assert not list(multicast_unavailable(case(attempt("239.1.1.1"), routes=(elsewhere("239.1.1.1", device="eth0"),))))


def test_what_addresses_mean() -> None:
    lo, eth = with_meanings((LO, LINK_LOCAL))
    assert lo.addresses[0].means == "loopback: all of 127.0.0.0/8 is this host"
    assert eth.addresses[0].means == "own: this host reaches it by lo, others by eth0"
    assert eth.addresses[2].means == "link-local: write fe80::5%eth0"
    down = replace(ETH, up=False)
    assert "others cannot" in meaning(down, ETH.addresses[0], LO)
    assert "lo is down" in meaning(ETH, ETH.addresses[0], replace(LO, up=False))


def test_an_address_in_a_vrf_is_reached_from_inside_it() -> None:
    red = replace(ETH, name="red", addresses=(), vrf_table="100")
    lo, _, eth = with_meanings((LO, red, replace(ETH, master="red")))
    assert eth.addresses[0].means == "in the VRF red: reached from inside it alone"
    assert lo.addresses[0].means == "loopback: all of 127.0.0.0/8 is this host"
    _, port = with_meanings((LO, replace(ETH, master="br0")))
    assert port.addresses[0].means == "own: this host reaches it by lo, others by eth0"


def test_a_way_back_that_cannot_be_asked_is_no_foreign_source() -> None:
    back = nowhere(OWN, asked_from="192.0.2.9", way="back", about="192.0.2.9")
    assert not list(source_not_local(case(command="route", host="192.0.2.9", routes=(elsewhere("192.0.2.9"), back))))


def test_an_address_that_was_taken_off_the_only_link() -> None:
    bare = replace(ETH, addresses=())
    served = Socket(protocol="tcp", state="LISTEN", address="0.0.0.0", port=80, families=("ipv4",))
    gone = case(attempt(OWN, Outcome.UNREACHABLE, "ENETUNREACH"), interfaces=(LO, bare), routes=(nowhere(OWN),))
    assert not list(address_not_local(gone)), "where nothing here serves it, it may be anybody's"
    (found,) = address_not_local(replace(gone, facts=replace(gone.facts, listeners=(served,))))
    assert "no interface but lo has an IPv4 address" in found.statement
    assert not list(address_not_local(replace(gone, facts=replace(gone.facts, listeners=(served,), interfaces=(LO,)))))


def test_an_ipv6_address_goes_with_the_mtu() -> None:
    narrow = replace(ETH, mtu=1200, addresses=ETH.addresses[:1])
    unreachable = attempt(OWN_SIX, Outcome.UNREACHABLE, "ENETUNREACH")
    (found,) = address_not_local(case(unreachable, interfaces=(LO, narrow), routes=(nowhere(OWN_SIX),)))
    assert "the MTU of eth0 is 1200" in found.statement


def test_an_ipv6_address_goes_with_its_interface() -> None:
    down = replace(ETH, up=False, running=False, addresses=ETH.addresses[:1])
    unreachable = attempt(OWN_SIX, Outcome.UNREACHABLE, "ENETUNREACH")
    (found,) = address_not_local(case(unreachable, interfaces=(LO, down), local_table=(), routes=(nowhere(OWN_SIX),)))
    assert "eth0 is down" in found.statement
