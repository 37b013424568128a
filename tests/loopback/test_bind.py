"""bind-test's sockets, for real on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from loopdiag.model.bind import BoundConnect, BoundExchange, Way
from loopdiag.model.observation import Outcome
from loopdiag.probes.bind import bind_and_connect, try_bind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.bind import Bind
    from loopdiag.model.observation import Observation


def bind(address: str, port: int = 0, protocol: str = "tcp", *ways: Way, reuseaddr: bool = False) -> tuple[
    Bind, tuple[Observation, ...]
]:  # fmt: skip
    return bind_and_connect(address, port, protocol, reuseaddr=reuseaddr, ways=ways, timeout=2.0)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_each_connection_tells_both_sides() -> None:
    bound, (plain, other) = bind("0.0.0.0", 0, "tcp", Way("127.0.0.1"), Way("127.0.0.1", "127.0.0.1"))
    assert bound.outcome is Outcome.BOUND
    assert bound.families == ("ipv4",)
    for one in (plain, other):
        assert isinstance(one, BoundConnect)
        assert one.outcome is Outcome.CONNECTED
        assert one.peer == one.accepted_at == f"127.0.0.1:{bound.port}"
        assert one.seen_as == one.local


def test_datagrams_are_answered_from_where_they_were_sent_to() -> None:
    _, (one,) = bind("0.0.0.0", 0, "udp", Way("127.0.0.1"))
    assert isinstance(one, BoundExchange)
    assert one.outcome is Outcome.REPLIED
    assert one.replied_from == one.to
    assert one.seen_as == one.local


def test_no_connection_stays_behind_on_the_port() -> None:
    """A server without SO_REUSEADDR can have the port at once."""
    bound, _ = bind("127.0.0.1", 0, "tcp", Way("127.0.0.1"))
    again, _ = bind("127.0.0.1", bound.port or 0)
    assert again.outcome is Outcome.BOUND


def test_a_listener_keeps_its_port_undisturbed(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    refused, made = bind("127.0.0.1", port, "tcp", Way("127.0.0.1"), reuseaddr=True)
    assert (refused.outcome, refused.errno, refused.failed_call) == (Outcome.FAILED, "EADDRINUSE", "bind")
    assert made == ()
    assert try_bind("127.0.0.1", port, "tcp", reuseaddr=False).errno == "EADDRINUSE"
    with socket.create_connection(("127.0.0.1", port), 2) as client:
        taken, peer = listener.accept()
        taken.close()
        assert peer == client.getsockname()


def test_a_stranger_gets_nothing_and_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else connects while the port is ours: from another thread, as soon as listen() has returned."""
    heard: list[bytes | str] = []
    threads = []

    def connect(port: int) -> None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as client:
            heard.append(f"127.0.0.1:{client.getsockname()[1]}")
            client.settimeout(2)
            heard.append(client.recv(64))

    class Listening(socket.socket):
        def listen(self, backlog: int = 0, /) -> None:
            super().listen(backlog)
            threads.append(threading.Thread(target=connect, args=(self.getsockname()[1],)))
            threads[-1].start()
            while not heard:
                threads[-1].join(0.001)

    monkeypatch.setattr("loopdiag.probes.bind.socket.socket", Listening)
    bound, (ours,) = bind("127.0.0.1", 0, "tcp", Way("127.0.0.1"))
    for thread in threads:
        thread.join()
    assert ours.outcome is Outcome.CONNECTED
    assert bound.strangers == (heard[0],)
    assert heard[1:] in ([], [b""])


def test_an_address_of_no_interface() -> None:
    refused, _ = bind("192.0.2.123")
    assert (refused.outcome, refused.errno, refused.failed_call) == (Outcome.FAILED, "EADDRNOTAVAIL", "bind")
