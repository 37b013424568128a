"""Why a port cannot be bound: one refused bind, and one thing about the sockets changed at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.binding.connections import (
    held_by_connections,
    reuse_is_meant_for,
    reuse_was_needed,
    self_connected_port,
)
from loopdiag.explain.binding.holders import holders
from loopdiag.explain.binding.in_use import in_use
from loopdiag.explain.binding.nowhere import bound_nowhere, is_local
from loopdiag.explain.binding.privileged import excluded, privileged
from loopdiag.model.bind import Bind, BindTry
from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.interface import Interface, InterfaceAddress
from loopdiag.model.limits import Sandbox
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.process import Process
from loopdiag.model.route import Route
from loopdiag.model.socket import Socket
from loopdiag.model.target import parse_host
from loopdiag.model.unknown import Unknown

REFUSED = Bind(address="127.0.0.1", port=8080, outcome=Outcome.FAILED, errno="EADDRINUSE", failed_call="bind",
               tries=(BindTry(False, "bind", "EADDRINUSE"),))  # fmt: skip
LISTENER = Socket(protocol="tcp", state="LISTEN", address="127.0.0.1", port=8080, families=("ipv4",), inode=7,
                  owners=(Process(pid=42, name="node"),))  # fmt: skip
CLIENT = replace(LISTENER, state="ESTABLISHED", peer_address="127.0.0.1", peer_port=5432)
ENDED = replace(CLIENT, state="TIME-WAIT", inode=0, owners=())


def case(bind: Bind = REFUSED, *sockets: Socket, **facts: object) -> Case:
    return Case("bind-test", parse_host(bind.address, bind.port, "tcp"), (bind,), Facts(sockets=sockets, **facts))  # type: ignore[arg-type]


def test_a_listener_owns_its_port() -> None:
    (found,) = in_use(case(REFUSED, LISTENER))
    assert (found.cause, found.certainty, found.subject) == ("port-in-use", Certainty.PROVEN, "127.0.0.1:8080")
    assert "node (pid 42) listens on 127.0.0.1:8080" in found.statement


@pytest.mark.parametrize(
    ("asked", "address", "families", "overlaps"),
    [
        ("127.0.0.1", "0.0.0.0", ("ipv4",), True),
        ("0.0.0.0", "127.0.0.1", ("ipv4",), True),
        ("127.0.0.1", "127.0.0.2", ("ipv4",), False),
        ("127.0.0.1", "::", ("ipv4", "ipv6"), True),
        ("127.0.0.1", "::", ("ipv6",), False),
        ("::", "127.0.0.1", ("ipv4",), True),
        ("::1", "0.0.0.0", ("ipv4",), False),
        ("fe80::1%eth0", "fe80::1", ("ipv6",), True),
    ],
)
def test_which_addresses_overlap(asked: str, address: str, families: tuple[str, ...], overlaps: bool) -> None:
    there = replace(LISTENER, address=address, families=families)
    assert bool(holders(replace(REFUSED, address=asked), [there])) is overlaps


@pytest.mark.parametrize("change", [{"port": 8081}, {"protocol": "udp"}, {"state": "SYN-RECV"}])
def test_what_is_not_in_the_way(change: dict[str, object]) -> None:
    assert not holders(REFUSED, [replace(LISTENER, **change)])  # type: ignore[arg-type]


def test_a_holder_that_the_table_does_not_show_is_only_likely() -> None:
    (found,) = in_use(case(REFUSED))
    assert (found.cause, found.certainty) == ("port-in-use", Certainty.LIKELY)


def test_nothing_is_said_of_a_table_that_was_not_read() -> None:
    unread = replace(case(), facts=Facts(sockets=Unknown("sockets", "not permitted")))
    assert not [*in_use(unread), *held_by_connections(unread)]


def test_port_0_means_that_the_range_is_full() -> None:
    full = replace(REFUSED, port=0)
    there = [replace(LISTENER, port=port) for port in (40000, 40001)]
    (found,) = in_use(case(full, *there, sysctls={"net.ipv4.ip_local_port_range": "40000\t40001"}))
    assert (found.cause, found.certainty) == ("port-in-use", Certainty.PROVEN)
    assert "2 of the 2 ports from 40000 to 40001" in found.statement


def test_port_0_where_the_range_is_reserved() -> None:
    sysctls = {"net.ipv4.ip_local_port_range": "40000 40001", "net.ipv4.ip_local_reserved_ports": "40000-40001"}
    (found,) = in_use(case(replace(REFUSED, port=0), sysctls=sysctls))
    assert "all 2 ports from 40000 to 40001 are reserved" in found.statement


def test_a_dual_stack_wildcard_would_serve_ipv4_too() -> None:
    (found,) = in_use(case(replace(REFUSED, address="::"), replace(LISTENER, address="0.0.0.0")))
    assert "[::]:8080 would serve IPv4 too" in found.statement


def test_a_device_bound_holder_is_told_with_its_device() -> None:
    (found,) = in_use(case(REFUSED, replace(LISTENER, address="0.0.0.0", device="eth0")))
    assert "through eth0 only" in found.statement


def test_a_service_of_the_system_is_named_as_such() -> None:
    (found,) = in_use(case(REFUSED, replace(LISTENER, owners=(Process(pid=600, name="ControlCenter"),))))
    assert found.cause == "port-taken-by-system"
    (other,) = in_use(case(REFUSED, replace(LISTENER, owners=(Process(pid=600, name="System"),))))
    assert other.cause == "port-in-use", "only pid 4 is the kernel of Windows"


@pytest.mark.parametrize(("reuse", "says"), [(None, "at once"), ("EADDRINUSE", "60 s")])
def test_only_time_wait_holds_it(reuse: str | None, says: str) -> None:
    tried = replace(REFUSED, tries=(*REFUSED.tries, BindTry(True, reuse and "bind", reuse)))
    (found,) = held_by_connections(case(tried, ENDED))
    assert (found.cause, found.certainty) == ("port-in-time-wait", Certainty.PROVEN)
    assert says in found.statement


def test_time_wait_is_a_note_where_reuse_has_worked() -> None:
    bound = replace(REFUSED, outcome=Outcome.BOUND, errno=None, reuseaddr=True, families=("ipv4",))
    (found,) = reuse_was_needed(case(bound, ENDED))
    assert (found.cause, found.severity) == ("port-in-time-wait", Severity.NOTE)


def test_a_connection_to_a_listener_of_this_host_is_outgoing() -> None:
    database = replace(LISTENER, port=5432)
    (found,) = held_by_connections(case(REFUSED, CLIENT, database))
    assert (found.cause, found.certainty) == ("port-held-by-connection", Certainty.PROVEN)


def test_an_accepted_connection_left_behind_is_a_use() -> None:
    accepted = replace(CLIENT, peer_port=50000)
    (found,) = held_by_connections(case(REFUSED, accepted))
    assert (found.cause, found.certainty) == ("port-in-use", Certainty.LIKELY)
    assert reuse_is_meant_for(REFUSED, [accepted, ENDED], {})
    assert not reuse_is_meant_for(REFUSED, [CLIENT], {})


def test_a_connection_to_itself() -> None:
    itself = replace(CLIENT, peer_port=8080)
    (found,) = held_by_connections(case(REFUSED, itself))
    assert (found.cause, found.certainty) == ("self-connect", Certainty.PROVEN)


def test_a_refused_client_is_told_of_a_connection_to_itself() -> None:
    itself = replace(CLIENT, peer_port=8080)
    attempt = TcpConnect(address="127.0.0.1", port=8080, outcome=Outcome.REFUSED, errno="ECONNREFUSED")
    asked = Case("why", parse_host("127.0.0.1", 8080, "tcp"), (attempt,), Facts(sockets=(itself,)))
    (found,) = self_connected_port(asked)
    assert found.cause == "self-connect"
    listens = replace(asked, facts=Facts(sockets=(itself, LISTENER)))
    assert not list(self_connected_port(listens)), "the listener would have taken the connection"
    six = replace(asked.observations[0], address="::1")
    (found,) = self_connected_port(replace(asked, observations=(six, *asked.observations)))
    assert found.subject == asked.observations[0].to, "told once, of the address that it has"


DENIED = replace(REFUSED, port=80, outcome=Outcome.DENIED, errno="EACCES")
START = {"net.ipv4.ip_unprivileged_port_start": "1024"}
PLAIN = Sandbox(seccomp="disabled", no_new_privileges=False, capabilities=(), user_namespace_owns_network=True)


def test_a_privileged_port() -> None:
    (found,) = privileged(case(DENIED, sysctls=START, sandbox=PLAIN))
    assert (found.cause, found.certainty) == ("port-privileged", Certainty.PROVEN)
    (unseen,) = privileged(case(DENIED, sysctls=START))
    assert unseen.certainty is Certainty.LIKELY


def test_the_right_counts_in_the_namespace_that_owns_the_network() -> None:
    root = replace(PLAIN, capabilities=("CAP_NET_BIND_SERVICE",))
    assert not list(privileged(case(DENIED, sysctls=START, sandbox=root))), "something else denied it"
    (found,) = privileged(case(DENIED, sysctls=START, sandbox=replace(root, user_namespace_owns_network=False)))
    assert "user namespace" in found.statement


def test_a_port_above_the_limit_is_not_privileged() -> None:
    assert not list(privileged(case(replace(DENIED, port=1024), sysctls=START, sandbox=PLAIN)))


def test_a_range_that_windows_keeps() -> None:
    recorded = case(replace(DENIED, port=5357), excluded_ports=((5357, 5357), (50000, 50059)))
    (found,) = excluded(recorded)
    assert found.cause == "port-excluded"
    assert not list(excluded(case(replace(DENIED, port=5358), excluded_ports=((5357, 5357),))))


LO = Interface("lo", 1, True, True, True, 65536, None, (InterfaceAddress("127.0.0.1", 8, "host"),))
TABLE = (
    Route(destination="127.0.0.0/8", table="local", type="local", device="lo"),
    Route(destination="10.0.0.0/16", table="local", type="local", device="lo"),
    Route(destination="10.0.0.255/32", table="local", type="broadcast", device="eth0"),
)


@pytest.mark.parametrize(
    ("address", "nowhere"),
    [("192.0.2.1", True), ("127.0.0.1", False), ("10.0.3.4", False), ("224.0.0.5", False), ("10.0.0.255", False),
     ("0.0.0.0", False)],
)  # fmt: skip
def test_bound_where_no_packet_comes(address: str, nowhere: bool) -> None:
    bound = Bind(address=address, port=80, outcome=Outcome.BOUND, local=f"{address}:80")
    found = list(bound_nowhere(case(bound, interfaces=(LO,), local_table=TABLE)))
    assert [one.cause for one in found] == (["address-not-local"] if nowhere else [])


def test_the_most_specific_local_route_decides() -> None:
    rejecting = (*TABLE, Route(destination="10.0.9.0/24", table="local", type="unreachable"))
    assert is_local("10.0.8.1", rejecting)
    assert not is_local("10.0.9.1", rejecting)
