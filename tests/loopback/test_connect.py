"""TCP, UDP and UNIX sockets for real, on loopback and without privilege."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from loopdiag.diagnose.why import why
from loopdiag.model.observation import Outcome
from loopdiag.probes.tcp import TcpAttempt, connect_tcp
from loopdiag.probes.udp import exchange_udp
from loopdiag.probes.unix import connect_unix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def closed_port(server: socket.socket) -> int:
    """A port that is bound by UDP and TCP nowhere: it was just given back."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        return int(other.getsockname()[1])


def answering(answer: Callable[[socket.socket, bytes, tuple[str, int]], None], address: str = "127.0.0.1") -> int:
    """The port of a UDP server that answers one datagram so."""
    receiving = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiving.bind((address, 0))

    def serve() -> None:
        with receiving:
            answer(receiving, *receiving.recvfrom(2048))

    threading.Thread(target=serve, daemon=True).start()
    return int(receiving.getsockname()[1])


def _echo(one: socket.socket, data: bytes, peer: tuple[str, int]) -> None:
    one.sendto(data, peer)


def _wait(one: socket.socket, data: bytes, peer: tuple[str, int]) -> None:
    threading.Event().wait(1)


def test_connected_with_both_ends(server: socket.socket) -> None:
    port = server.getsockname()[1]
    found = connect_tcp("127.0.0.1", port)
    assert found.outcome is Outcome.CONNECTED
    assert found.peer == f"127.0.0.1:{port}"
    assert found.local is not None
    assert found.local.startswith("127.0.0.1:")
    assert found.errno is None


def test_refused_by_a_reset(closed_port: int) -> None:
    found = connect_tcp("127.0.0.1", closed_port)
    assert (found.outcome, found.errno, found.error_from) == (Outcome.REFUSED, "ECONNREFUSED", None)
    assert found.seconds is not None
    assert found.local is not None


def test_the_unspecified_address_is_loopback(server: socket.socket) -> None:
    assert connect_tcp("0.0.0.0", server.getsockname()[1]).outcome is Outcome.CONNECTED


@pytest.fixture
def full() -> Iterator[int]:
    """The port of a listener whose accept queue takes no more."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            yield int(port)


def test_silence_ends_at_the_time_out(full: int) -> None:
    found = connect_tcp("127.0.0.1", full, 0.2)
    assert (found.outcome, found.errno, found.gave_up) == (Outcome.TIMED_OUT, None, None)
    assert found.seconds == pytest.approx(0.2, abs=0.15)


def test_silence_may_be_given_up_for_a_reason(full: int) -> None:
    asked: list[int] = []

    def patience() -> str | None:
        asked.append(1)
        return "seen to be dropped" if len(asked) == 2 else None

    found = connect_tcp("127.0.0.1", full, 30, patience=patience)
    assert (found.outcome, found.gave_up) == (Outcome.TIMED_OUT, "seen to be dropped")


def test_an_attempt_that_is_left_closes_its_socket(full: int) -> None:
    with TcpAttempt("127.0.0.1", full) as attempt:
        assert not attempt.wait(0.01)
        held = attempt.socket
    assert held is not None
    assert held.fileno() == -1


def test_a_zone_that_is_not_there_is_data() -> None:
    assert connect_tcp("fe80::1%nowhere0", 80).outcome is Outcome.FAILED


def test_a_udp_answer() -> None:
    port = answering(_echo)
    found = exchange_udp("127.0.0.1", port)
    assert (found.outcome, found.replied_from) == (Outcome.REPLIED, f"127.0.0.1:{port}")
    assert found.reply_bytes


def test_a_udp_answer_from_another_address() -> None:
    def answer(one: socket.socket, data: bytes, peer: tuple[str, int]) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            other.sendto(data, peer)

    found = exchange_udp("127.0.0.1", answering(answer), 5.0)
    assert found.outcome is Outcome.TIMED_OUT
    assert found.replied_from is not None
    assert found.seconds is not None
    assert found.seconds < 2, "a wrong answer is not waited on for the whole time-out"


def test_a_udp_flood_of_wrong_answers_ends() -> None:
    def flood(one: socket.socket, data: bytes, peer: tuple[str, int]) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            for _ in range(3000):
                other.sendto(b"x", peer)

    assert exchange_udp("127.0.0.1", answering(flood), 1.0).outcome is Outcome.TIMED_OUT


def test_udp_refused_tells_who_said_so(closed_port: int) -> None:
    found = exchange_udp("127.0.0.1", closed_port)
    assert (found.outcome, found.errno, found.failed_call) == (Outcome.REFUSED, "ECONNREFUSED", "recv")
    assert found.error_from == "127.0.0.1"


def test_udp_silence() -> None:
    found = exchange_udp("127.0.0.1", answering(_wait), 0.2)
    assert (found.outcome, found.replied_from) == (Outcome.TIMED_OUT, None)


def test_unix_sockets(tmp_path: Path) -> None:
    path = str(tmp_path / "a.sock")
    assert connect_unix(path).errno == "ENOENT"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        assert connect_unix(path).outcome is Outcome.REFUSED
        listening.listen(0)
        assert connect_unix(path).outcome is Outcome.CONNECTED
        assert (connect_unix(path, 0.1).outcome, connect_unix(path, 0.1).errno) == (Outcome.TIMED_OUT, "EAGAIN")


@pytest.mark.parametrize(
    ("kind", "name"), [(socket.SOCK_DGRAM, "datagram"), (socket.SOCK_SEQPACKET, "seqpacket")]
)  # fmt: skip
def test_unix_sockets_of_other_types(tmp_path: Path, kind: socket.SocketKind, name: str) -> None:
    path = str(tmp_path / "b.sock")
    with socket.socket(socket.AF_UNIX, kind) as bound:
        bound.bind(path)
        if kind is socket.SOCK_SEQPACKET:
            bound.listen()
        found = connect_unix(path)
    assert (found.outcome, found.socket_type) == (Outcome.CONNECTED, name)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM])
def test_why_a_unix_socket_of_any_type(tmp_path: Path, kind: socket.SocketKind) -> None:
    path = str(tmp_path / "b.sock")
    with socket.socket(socket.AF_UNIX, kind) as bound:
        bound.bind(path)
        if kind is not socket.SOCK_DGRAM:
            bound.listen()
        report = why(f"unix:{path}")
    assert report.verdict.value == ("works" if kind is socket.SOCK_DGRAM else "broken")  # nobody accepts here
    assert [one.kind for one in report.observations] == ["unix-connect"]


def test_what_lies_at_a_path_that_is_no_socket(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("")
    path.chmod(0o640)
    found = connect_unix(str(path))
    assert (found.errno, found.file_type, found.file_mode) == ("ECONNREFUSED", "regular file", 0o640)
