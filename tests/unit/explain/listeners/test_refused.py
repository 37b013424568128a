"""Refused: where the port is served instead, and when it is certain that it is not served at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.model.finding import Certainty
from loopdiag.model.packetfilter import FilterPath, Packet
from loopdiag.model.socket import UnixSocket
from loopdiag.model.unknown import Unknown
from tests.unit.explain.healthy import ETH, LO, OWN, OWN_SIX
from tests.unit.explain.listeners.hosts import (
    NODE,
    PORT,
    causes,
    connected,
    datagram,
    first,
    host,
    listener,
    refused,
    udp,
)

PACKET = Packet(family=4, protocol="tcp", source="127.0.0.1", destination="127.0.0.1", destination_port=PORT)


def test_nothing_anywhere_is_proven() -> None:
    found = first(host(refused()))
    assert (found.cause, found.certainty) == ("no-listener", Certainty.PROVEN)


@pytest.mark.parametrize("topic", ["sockets", "elsewhere", "filter_paths"])
def test_nothing_is_only_likely_where_something_was_not_read(topic: str) -> None:
    value = None if topic == "filter_paths" else Unknown("it", "no")
    of = host(refused())
    facts = replace(of.facts, **{topic: value})  # type: ignore[arg-type]
    found = first(replace(of, facts=facts))
    assert (found.cause, found.certainty) == ("no-listener", Certainty.LIKELY)


@pytest.mark.parametrize("unread", [None, Unknown("listeners", "no")])
def test_without_listeners_nothing_is_said(unread: Unknown | None) -> None:
    assert causes(host(refused(), listeners=unread)) == []  # type: ignore[arg-type]


def test_both_addresses_of_a_name_make_one_finding() -> None:
    found = first(host(refused("::1"), refused("127.0.0.1")))
    assert "[::1]:80" in found.statement
    assert "127.0.0.1:80" in found.statement


def test_an_icmp_error_for_tcp_is_no_closed_port() -> None:
    assert "no-listener" not in causes(host(replace(refused(), error_from="127.0.0.1")))


@pytest.mark.parametrize(
    "path",
    [
        FilterPath(packet=PACKET, verdict="reject", steps=(), certain=True, of="tcp-connect 127.0.0.1:80"),
        FilterPath(packet=PACKET, verdict="accept", steps=(), certain=True, of="tcp-connect 127.0.0.1:80",
                   rewritten=replace(PACKET, destination_port=81)),
    ],
)  # fmt: skip
def test_what_the_filter_did_is_not_blamed_on_a_missing_listener(path: FilterPath) -> None:
    assert "no-listener" not in causes(host(refused(), filter_paths=(path,)))


@pytest.mark.parametrize(
    ("asked", "there", "cause"),
    [
        (OWN, listener("127.0.0.1"), "listener-other-address"),
        ("127.0.0.1", listener("127.0.0.53"), "listener-other-address"),
        ("127.0.0.1", listener(OWN), "listener-other-address"),
        (OWN_SIX, listener("::1"), "listener-other-address"),
        ("0.0.0.0", listener("127.0.0.2"), "listener-other-address"),
        ("::1", listener("127.0.0.1"), "listener-other-family"),
        ("::1", listener("0.0.0.0"), "listener-other-family"),
        ("127.0.0.1", listener("::1"), "listener-other-family"),
        ("127.0.0.1", listener("::", families=("ipv6",)), "listener-other-family"),
        ("::ffff:127.0.0.1", listener("::", families=("ipv6",)), "listener-other-family"),
        ("127.0.0.1", udp("127.0.0.1"), "listener-other-protocol"),
        ("127.0.0.1", udp("::"), "listener-other-protocol"),
        ("127.0.0.1", listener("0.0.0.0", device="eth0"), "listener-device-bound"),
        (OWN, listener("0.0.0.0", device="lo"), "listener-device-bound"),
        ("127.0.0.1", listener("10.0.0.9"), "listener-address-gone"),
        ("10.0.0.9", listener("10.0.0.9"), "listener-address-gone"),
    ],
)
def test_the_nearest_miss_is_named(asked, there, cause) -> None:  # type: ignore[no-untyped-def]
    assert causes(host(refused(asked), listeners=(there,))) == [cause]


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("127.0.0.1", listener("127.0.0.1")),
        ("127.0.0.9", listener("0.0.0.0")),
        ("127.0.0.1", listener("::")),
        (OWN, listener("0.0.0.0", device="eth0")),
    ],
)
def test_where_a_listener_is_met_the_refusal_has_another_cause(asked, there) -> None:  # type: ignore[no-untyped-def]
    assert causes(host(refused(asked), listeners=(there,))) == []


def test_the_exact_family_goes_before_the_other_one() -> None:
    both = host(refused("::1"), refused("127.0.0.1"), listeners=(listener("127.0.0.2"),))
    assert causes(both) == ["listener-other-address"]


def test_a_name_whose_other_address_answers() -> None:
    found = first(host(refused("::1"), connected("127.0.0.1"), listeners=(listener(),)))
    assert found.cause == "listener-other-family"
    assert "stops there" in found.statement


def test_a_udp_socket_in_the_ephemeral_range_may_be_there_by_chance() -> None:
    seen = replace(refused(), port=40000)
    found = first(host(seen, listeners=(udp(port=40000),)))
    assert (found.cause, found.certainty) == ("listener-other-protocol", Certainty.LIKELY)


def test_tcp_there_where_udp_is_asked() -> None:
    assert causes(host(datagram(), listeners=(listener(),))) == ["listener-other-protocol"]


def test_another_namespace_and_a_unix_socket() -> None:
    boxed = listener("0.0.0.0", namespace="box")
    database = UnixSocket(path="/run/app-3000.sock", type="stream", state="LISTEN", inode=1)
    seen = replace(refused(), port=3000)
    assert causes(host(refused(), elsewhere=(boxed,))) == ["listener-other-namespace"]
    assert causes(host(seen, unix_sockets=(database,))) == ["listener-unix-socket"]
    assert causes(host(seen, elsewhere=(replace(boxed, port=3000),), unix_sockets=(database,))) == [
        "listener-other-namespace"
    ]


@pytest.mark.parametrize(
    ("port", "path", "fits"),
    [
        (5432, "/run/postgresql/.s.PGSQL.5432", True),
        (5432, "/run/postgresql/.s.PGSQL.5433", False),
        (3306, "/run/mysqld/mysqld.sock", True),
        (2375, "/run/docker.sock", True),
        (8080, "/run/app-8080.sock", True),
        (8080, "/run/app-18080.sock", False),
        (80, "/run/user/80/bus", False),
        (4444, "/run/docker.sock", False),
    ],
)
def test_which_unix_socket_fits_a_port(port: int, path: str, fits: bool) -> None:
    socket = UnixSocket(path=path, type="stream", state="LISTEN", inode=1)
    seen = replace(refused(), port=port)
    assert (causes(host(seen, unix_sockets=(socket,))) == ["listener-unix-socket"]) is fits


def test_bound_and_never_listening() -> None:
    bound = listener(state="BOUND", queue_limit=0)
    assert causes(host(refused(), sockets=(bound,))) == ["bound-not-listening"]
    assert causes(host(refused(), sockets=(replace(bound, port=81),))) == ["no-listener"]


def test_a_bound_socket_elsewhere_does_not_hide_a_listener() -> None:
    bound = listener("127.0.0.3", state="BOUND", queue_limit=0)
    there = listener("127.0.0.2")
    assert causes(host(refused(), listeners=(there,), sockets=(there, bound))) == ["listener-other-address"]


def test_another_host_that_refuses_says_nothing_of_this_one() -> None:
    assert causes(host(refused("10.0.0.77"), listeners=(listener("127.0.0.1"),))) == []


def test_an_address_made_local_by_a_route_is_not_gone() -> None:
    away = replace(ETH, addresses=ETH.addresses[1:])
    gone = host(refused(), listeners=(listener(OWN),), interfaces=(LO, away))
    assert causes(gone) == ["listener-other-address"], "table local still has it"
    assert causes(replace(gone, facts=replace(gone.facts, local_table=()))) == ["listener-address-gone"]


def test_the_owner_is_named_and_never_guessed() -> None:
    assert "node (pid 42)" in first(host(refused("::1"), listeners=(listener(),))).statement
    hidden = listener(owners=Unknown("owners", "hidden"))
    assert "a process of uid 1000" in first(host(refused("::1"), listeners=(hidden,))).statement
    assert NODE.name not in first(host(refused("::1"), listeners=(hidden,))).statement
