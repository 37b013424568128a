"""The client's own port, UDP's silence, and UNIX sockets as targets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loopdiag.explain.listeners.source_ports import capacity
from loopdiag.explain.success import why_it_works
from loopdiag.model.finding import Certainty
from loopdiag.model.observation import Outcome, UnixConnect
from loopdiag.model.socket import Socket, UnixSocket
from loopdiag.model.unknown import Unknown
from tests.unit.explain.listeners.hosts import (
    NODE,
    causes,
    connected,
    datagram,
    first,
    host,
    listener,
    refused,
    udp,
    unix,
)

NO_PORT = replace(refused(), outcome=Outcome.FAILED, errno="EADDRNOTAVAIL", local=None)
RANGE = {"net.ipv4.ip_local_port_range": "40000 40003"}


def held(port: int, **changed: str | int) -> Socket:
    one = Socket(protocol="tcp", state="ESTABLISHED", address="127.0.0.1", port=port, families=("ipv4",),
                 peer_address="127.0.0.1", peer_port=80)  # fmt: skip
    return replace(one, **changed)  # type: ignore[arg-type]


def test_every_source_port_is_held() -> None:
    sockets = tuple(held(port) for port in range(40000, 40004))
    found = first(host(NO_PORT, listeners=(listener(),), sockets=sockets, sysctls=RANGE))
    assert (found.cause, found.certainty) == ("ephemeral-ports-exhausted", Certainty.PROVEN)


def test_connections_to_another_destination_leave_the_port_usable() -> None:
    sockets = tuple(held(port, peer_port=81) for port in range(40000, 40004))
    assert "ephemeral-ports-exhausted" not in causes(host(NO_PORT, sockets=sockets, sysctls=RANGE))


def test_reserved_ports_do_not_count() -> None:
    sysctls = {**RANGE, "net.ipv4.ip_local_reserved_ports": "40000,40002-40003"}
    found = first(host(NO_PORT, listeners=(listener(),), sockets=(held(40001),), sysctls=sysctls))
    assert found.cause == "ephemeral-ports-exhausted"


def test_a_range_that_is_reserved_as_a_whole() -> None:
    sysctls = {**RANGE, "net.ipv4.ip_local_reserved_ports": "40000-40003"}
    found = first(host(NO_PORT, listeners=(listener(),), sockets=(), sysctls=sysctls))
    assert "all 4 ports from 40000 to 40003 are reserved" in found.statement


@pytest.mark.parametrize("sysctls", [{}, {"net.ipv4.ip_local_port_range": Unknown("it", "no")}])
def test_without_the_range_nothing_is_said(sysctls: dict[str, str | Unknown]) -> None:
    sockets = tuple(held(port) for port in range(40000, 40004))
    assert "ephemeral-ports-exhausted" not in causes(host(NO_PORT, sockets=sockets, sysctls=sysctls))


@pytest.mark.parametrize(("ports", "found"), [(1, 1), (2, 2), (3, 2), (4, 4)])
def test_an_odd_range_loses_a_port(ports: int, found: int) -> None:
    assert capacity(ports) == found


def test_a_connection_to_itself() -> None:
    itself = replace(refused(), outcome=Outcome.FAILED, errno=None, local="127.0.0.1:80", peer="127.0.0.1:80")
    assert causes(host(itself)) == ["self-connect"]


def test_an_answer_from_elsewhere() -> None:
    seen = datagram(Outcome.TIMED_OUT, "127.0.0.2", replied_from="127.0.0.1:80", reply_bytes=9)
    found = first(host(seen, listeners=(udp("0.0.0.0"),)))
    assert found.cause == "udp-wrong-source"
    assert "127.0.0.1:80" in found.statement


def test_silence_where_no_socket_is_has_another_cause() -> None:
    assert causes(host(datagram(Outcome.TIMED_OUT))) == []


def test_an_answer_is_no_finding() -> None:
    seen = datagram(Outcome.REPLIED, replied_from="127.0.0.1:80", reply_bytes=9)
    assert causes(host(seen, listeners=(udp(),))) == []


def test_a_unix_socket_that_nobody_listens_on() -> None:
    seen = UnixConnect(address="/run/a.sock", outcome=Outcome.REFUSED, errno="ECONNREFUSED")
    found = first(unix(seen))
    assert found.cause == "no-listener"
    assert "left behind" in found.statement


def test_a_unix_socket_of_a_stopped_process() -> None:
    seen = UnixConnect(address="/run/a.sock", outcome=Outcome.CONNECTED)
    there = UnixSocket(path="/run/a.sock", type="stream", state="LISTEN", inode=1, queue=1, queue_limit=8,
                       owners=(replace(NODE, state="T"),))  # fmt: skip
    assert causes(unix(seen, there)) == ["listener-stopped"]
    assert causes(unix(seen, replace(there, queue=0, owners=(NODE,)))) == []


def test_a_unix_socket_whose_process_hangs() -> None:
    seen = UnixConnect(address="/run/a.sock", outcome=Outcome.CONNECTED)
    waits = UnixSocket(
        path="/run/a.sock", type="stream", state="LISTEN", inode=1, queue=1, queue_limit=5, owners=(NODE,)
    )
    assert first(unix(seen, waits)).cause == "listener-not-accepting"
    assert causes(unix(seen, replace(waits, queue=0))) == []
    assert causes(unix(seen, replace(waits, owners=(replace(NODE, name="systemd"),)))) == []


def test_a_unix_socket_that_is_bound_and_does_not_listen() -> None:
    seen = UnixConnect(address="/run/a.sock", outcome=Outcome.REFUSED, errno="ECONNREFUSED", file_type="socket")
    bound = UnixSocket(path="/run/a.sock", type="stream", state="UNCONN", inode=1, owners=(NODE,))
    assert first(unix(seen, bound)).cause == "bound-not-listening"
    assert first(unix(seen)).cause == "no-listener"
    assert "left behind" in first(unix(seen)).statement
    assert "a regular file" in first(unix(replace(seen, file_type="regular file"))).statement


@pytest.mark.parametrize(("seen", "says"), [
    ({"file_type": "socket", "file_mode": 0o600, "file_owner": 7}, "mode is 0600, its owner uid 7"),
    ({}, "may not search a folder"),
])  # fmt: skip
def test_what_connecting_to_a_path_takes(seen: dict[str, Any], says: str) -> None:
    denied = UnixConnect(address="/run/a.sock", outcome=Outcome.DENIED, errno="EACCES", **seen)
    assert says in why_it_works(unix(denied))


def test_a_full_queue_of_a_unix_socket() -> None:
    seen = UnixConnect(address="/run/a.sock", outcome=Outcome.TIMED_OUT, errno="EAGAIN")
    there = UnixSocket(path="/run/a.sock", type="stream", state="LISTEN", inode=1, queue=2, queue_limit=1)
    assert causes(unix(seen, there)) == ["accept-queue-full"]


def test_bind_test_asks_another_question() -> None:
    of = host(refused(), connected())
    assert causes(replace(of, command="bind-test")) == []
