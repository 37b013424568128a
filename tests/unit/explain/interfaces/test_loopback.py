"""The loopback interface: a healthy host, and one thing changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loopdiag.explain.interfaces.ipv6 import ipv6_disabled
from loopdiag.explain.interfaces.loopback import loopback_address_missing, loopback_down, loopback_mtu
from loopdiag.model.bind import Bind
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.interface import InterfaceAddress
from loopdiag.model.observation import Outcome
from loopdiag.model.socket import Socket
from loopdiag.model.unknown import Unknown
from tests.unit.explain.healthy import ETH, LO, OWN, OWN_SIX, SYSCTLS, attempt, case, nowhere

RULES = (loopback_down, loopback_address_missing, loopback_mtu, ipv6_disabled)
DOWN = replace(LO, up=False, flags=())
FOUR_ALONE = replace(LO, addresses=LO.addresses[:1])
SIX_ALONE = replace(LO, addresses=LO.addresses[1:])
SIX_OFF = {**SYSCTLS, "net.ipv6.conf.all.disable_ipv6": "1", "net.ipv6.conf.lo.disable_ipv6": "1"}
UNREACHED = attempt("::1", Outcome.UNREACHABLE, "ENETUNREACH")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", OWN, OWN_SIX, "0.0.0.0"])
def test_a_healthy_loopback_is_not_blamed_for_a_time_out(rule, address) -> None:  # type: ignore[no-untyped-def]
    assert not list(rule(case(attempt(address))))
    assert not list(rule(case(attempt(address), interfaces=Unknown("interfaces", "refused"))))
    assert not list(rule(case(host=address, command="route")))
    assert not list(rule(case(command="interfaces")))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", OWN, "0.0.0.0"])
def test_lo_down_breaks_every_own_address(address: str) -> None:
    (found,) = loopback_down(case(attempt(address), interfaces=(DOWN, ETH)))
    assert (found.cause, found.certainty, found.subject) == ("loopback-down", Certainty.PROVEN, "lo")


def test_lo_down_does_not_break_other_hosts() -> None:
    assert not list(loopback_down(case(attempt("192.0.2.9"), interfaces=(DOWN, ETH))))


def test_lo_down_refused_nothing() -> None:
    refused = attempt("127.0.0.1", Outcome.REFUSED, "ECONNREFUSED")
    assert not list(loopback_down(case(refused, interfaces=(DOWN, ETH))))


def test_lo_down_is_all_that_is_told_of_a_host() -> None:
    down = case(command="interfaces", interfaces=(replace(DOWN, addresses=()), ETH))
    assert [found.cause for rule in RULES for found in rule(down)] == ["loopback-down"]


def test_a_missing_address() -> None:
    gone = case(attempt("127.0.0.1"), interfaces=(SIX_ALONE, ETH), local_table=(), routes=(nowhere("127.0.0.1"),))
    (found,) = loopback_address_missing(gone)
    assert (found.cause, found.severity) == ("loopback-address-missing", Severity.ERROR)
    assert found.fixes[0].run == "ip addr add 127.0.0.1/8 dev lo"


def test_a_prefix_of_32_covers_one_address() -> None:
    narrow = replace(LO, addresses=(InterfaceAddress("127.0.0.1", 32, "host"),))
    lacking: dict[str, Any] = {"interfaces": (narrow, ETH), "local_table": ()}
    assert not list(loopback_address_missing(case(attempt("127.0.0.1"), **lacking)))
    (found,) = loopback_address_missing(case(attempt("127.0.0.2"), **lacking, routes=(nowhere("127.0.0.2"),)))
    assert "127.0.0.2" in found.statement


def test_another_127_address_covers_the_network() -> None:
    other = replace(LO, addresses=(InterfaceAddress("127.0.0.53", 8, "host"),))
    assert not list(loopback_address_missing(case(attempt("127.0.0.1"), interfaces=(other, ETH))))
    assert not list(loopback_address_missing(case(command="interfaces", interfaces=(other, ETH), sysctls=SIX_OFF)))


def test_a_local_route_laid_by_hand_is_enough() -> None:
    assert not list(loopback_address_missing(case(attempt("127.0.0.1"), interfaces=(SIX_ALONE, ETH))))


@pytest.mark.parametrize(
    ("mtu", "settings", "cause"),
    [
        (65536, SYSCTLS, "loopback-address-missing"),
        (65536, SIX_OFF, "ipv6-disabled"),
        (1279, SYSCTLS, "loopback-mtu"),
        (1000, SIX_OFF, "ipv6-disabled"),
        (1280, SYSCTLS, "loopback-address-missing"),
        (65536, {"net.ipv4.conf.all.rp_filter": "0"}, "ipv6-disabled"),
    ],
)
def test_what_took_the_ipv6_loopback_address_away(mtu: int, settings: dict[str, str], cause: str) -> None:
    gone = case(
        UNREACHED, interfaces=(replace(FOUR_ALONE, mtu=mtu), ETH), sysctls=settings, local_table=(),
        routes=(nowhere("::1"),),
    )  # fmt: skip
    found = [one for rule in RULES for one in rule(gone)]
    assert [(one.cause, one.certainty) for one in found] == [(cause, Certainty.PROVEN)]


def test_settings_that_were_not_read_prove_nothing() -> None:
    assert not list(ipv6_disabled(case(UNREACHED, interfaces=(FOUR_ALONE, ETH), sysctls=None)))


def test_ipv6_off_on_lo_drops_packets_to_own_addresses() -> None:
    settings = {**SYSCTLS, "net.ipv6.conf.lo.disable_ipv6": "1"}
    (found,) = ipv6_disabled(case(attempt(OWN_SIX), interfaces=(FOUR_ALONE, ETH), sysctls=settings))
    assert "net.ipv6.conf.lo.disable_ipv6" in found.statement


def test_a_kernel_without_ipv6_has_no_socket_to_bind_either() -> None:
    """As Linux 6.1 with ipv6.disable=1 answers."""
    bound = Bind(address="::", port=0, outcome=Outcome.FAILED, errno="EAFNOSUPPORT", failed_call="socket")
    four_only = {name: value for name, value in SYSCTLS.items() if not name.startswith("net.ipv6.")}
    (found,) = ipv6_disabled(case(bound, command="bind-test", interfaces=(FOUR_ALONE, ETH), sysctls=four_only))
    assert "runs without IPv6" in found.statement
    assert not list(ipv6_disabled(case(bound, command="bind-test", interfaces=(FOUR_ALONE, ETH), sysctls=SYSCTLS)))


def test_ipv6_off_is_no_matter_for_ipv4() -> None:
    assert not list(ipv6_disabled(case(attempt("127.0.0.1"), interfaces=(FOUR_ALONE, ETH), sysctls=SIX_OFF)))


def test_ipv6_off_is_a_warning_where_ipv4_of_the_same_name_answers() -> None:
    off: dict[str, Any] = {"interfaces": (FOUR_ALONE, ETH), "sysctls": SIX_OFF, "routes": (nowhere("::1"),)}
    answered = attempt("127.0.0.1", Outcome.CONNECTED)
    (beside,) = ipv6_disabled(case(UNREACHED, answered, **off))
    assert beside.severity is Severity.WARNING
    six_only = Socket(protocol="tcp", state="LISTEN", address="::", port=80, families=("ipv6",))
    refused = attempt("127.0.0.1", Outcome.REFUSED, "ECONNREFUSED")
    (needed,) = ipv6_disabled(case(UNREACHED, refused, **off, listeners=(six_only,)))
    assert needed.severity is Severity.ERROR


@pytest.mark.parametrize("address", ["127.0.0.1", OWN])
def test_below_68_bytes_ipv4_is_gone(address: str) -> None:
    (found,) = loopback_mtu(case(attempt(address), interfaces=(replace(LO, mtu=60), ETH)))
    assert "60" in found.statement


def test_a_long_packet_that_must_stay_whole() -> None:
    too_long = attempt("127.0.0.1", Outcome.FAILED, "EMSGSIZE")
    assert list(loopback_mtu(case(too_long, interfaces=(replace(LO, mtu=1500), ETH))))
    assert not list(loopback_mtu(case(too_long)))
