"""gRPC calls: a peer that answers oddly costs a bounded time and half a sentence. The real one is in tests/netns."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

from loopdiag.host.linux import grpc
from loopdiag.host.linux.containerd import is_called, read_containers
from loopdiag.host.linux.containers import find_container, read_names
from loopdiag.host.linux.grpc import Connection
from loopdiag.model.space import Container
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Peer = Callable[[socket.socket], None]

PREFIX = struct.Struct("!BI")
OK = ((b"grpc-status", b"0"),)


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "run/containerd").mkdir(parents=True)
    return str(tmp_path / "run/containerd/containerd.sock")


@pytest.fixture
def serve(path: str) -> Iterator[Callable[[Peer], None]]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        threads = []

        def start(peer: Peer) -> None:
            def accept() -> None:
                link, _ = server.accept()
                with link, suppress(ConnectionError):  # whoever asks may go before all is said
                    peer(link)

            threads.append(threading.Thread(target=accept))
            threads[-1].start()

        yield start
        for thread in threads:
            thread.join()


def answering(*answers: bytes, trailers: tuple[tuple[bytes, bytes], ...] = OK) -> Peer:
    """A gRPC server that gives these bodies, in frames of 16 KiB, one for each call."""

    def peer(link: socket.socket) -> None:
        http = H2Connection(H2Configuration(client_side=False))
        http.initiate_connection()
        left = list(answers)
        waiting: list[tuple[int, bytes]] = []
        while data := link.recv(65536):
            for event in http.receive_data(data):
                if isinstance(event, RequestReceived):
                    http.send_headers(event.stream_id, [(":status", "200"), ("content-type", "application/grpc")])
                if isinstance(event, StreamEnded):
                    waiting.append((event.stream_id, left.pop(0)))
            for stream, body in waiting[:1]:
                while body and (room := min(http.local_flow_control_window(stream), 16384)) > 0:
                    http.send_data(stream, body[:room])
                    body = body[room:]
                waiting[0] = (stream, body)
                if not body:
                    http.send_headers(stream, trailers, end_stream=True)
                    waiting.pop(0)
            link.sendall(http.data_to_send())

    return peer


def saying(data: bytes) -> Peer:
    """Says that when it is asked, and nothing after it."""

    def peer(link: socket.socket) -> None:
        link.recv(65536)
        link.sendall(data)
        while link.recv(65536):
            pass

    return peer


def framed(message: bytes) -> bytes:
    return PREFIX.pack(0, len(message)) + message


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        assert value < 128
        return bytes([number << 3, value])
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def test_a_long_answer_is_read_whole(serve: Callable[[Peer], None], path: str) -> None:
    serve(answering(framed(b"x" * 300_000), framed(b"")))
    with Connection(path) as server:
        assert server.call("/a.B/C") == b"x" * 300_000
        assert server.call("/a.B/D", b"question", some_name="value") == b""


@pytest.mark.parametrize(
    ("peer", "says"),
    [
        (lambda link: link.close(), "closes the connection without an answer|Broken pipe|reset"),
        (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 100), "no HTTP/2"),
        (answering(b"", trailers=((b"grpc-status", b"12"), (b"grpc-message", b"unknown service"))),
         r"gRPC status 12 \(unknown service\)"),
        (answering(b"abc"), "no gRPC message"),
        (answering(PREFIX.pack(1, 1) + b"x"), "no gRPC message"),
        (answering(PREFIX.pack(0, 9) + b"x"), "no gRPC message"),
    ],
    ids=["closes", "another protocol", "refuses", "too short", "compressed", "cut short"],
)  # fmt: skip
def test_odd_answers(serve: Callable[[Peer], None], path: str, peer: Peer, says: str) -> None:
    serve(peer)
    with pytest.raises((ValueError, OSError), match=says), Connection(path) as server:
        server.call("/a.B/C")


def test_silence_and_length_are_bounded(
    serve: Callable[[Peer], None], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpc, "TIMEOUT", 0.2)
    monkeypatch.setattr(grpc, "MOST", 100_000)
    serve(saying(b""))
    with pytest.raises(TimeoutError), Connection(path) as server:
        server.call("/a.B/C")
    monkeypatch.setattr(grpc, "TIMEOUT", 5.0)
    serve(answering(framed(b"x" * 200_000)))
    with pytest.raises(ValueError, match="longer than"), Connection(path) as server:
        server.call("/a.B/C")


def test_containers_of_all_namespaces(serve: Callable[[Peer], None], path: str, tmp_path: Path) -> None:
    label = field(2, field(1, b"nerdctl/name") + field(2, b"db"))
    answers = (
        field(1, field(1, b"default")) + field(1, field(1, b"k8s.io")),
        field(1, field(1, b"abcd12") + label + bytes([8 << 3 | 1]) + bytes(8) + bytes([9 << 3 | 5]) + bytes(4)),
        field(1, field(2, b"abcd12") + field(3, 77)),
        field(1, field(1, b"abce34")),
        b"",
    )
    expected = [Container("abcd12", "db", 77, "containerd"), Container("abce34", None, 0, "containerd")]
    serve(answering(*map(framed, answers)))
    assert read_containers(path) == expected
    for name in ("db", "abcd"):
        serve(answering(*map(framed, answers)))
        assert find_container(name, tmp_path) == (expected[0], ())
    serve(answering(*map(framed, answers)))
    assert read_names({"abcd12"}, tmp_path) == {"abcd12": "db"}
    assert read_names((), tmp_path) == {}


@pytest.mark.parametrize("broken", [b"\x0a", b"\x0a\x05ab", b"\x0b", b"\xff" * 11, b"\x09\x00"])
def test_an_answer_that_is_no_message(serve: Callable[[Peer], None], path: str, tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "proc").mkdir()
    serve(answering(framed(broken)))
    found, gaps = find_container("web", tmp_path)
    assert found is None
    assert [(one.what, "containerd cannot be asked" in one.because) for one in gaps] == [
        ("containers of containerd", True)
    ]
    assert isinstance(gaps[0], Unknown)


def test_who_is_called_so() -> None:
    one = Container("abcd12", "shop-7d9/web", 5, "containerd")
    assert all(is_called(one, name) for name in ("abcd12", "shop-7d9/web", "web"))
    assert not any(is_called(one, name) for name in ("", "shop-7d9", "abcd", "eb"))
    assert not is_called(Container("abcd12", None, 5, "containerd"), "")
