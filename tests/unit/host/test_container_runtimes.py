"""What a container runtime answers on its socket, however odd: a container, none, or half a sentence why not."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from loopdiag.host.linux.containers import find_container, read_names
from loopdiag.model.space import Container
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Answers = Callable[[bytes], None]

ID = "ab" * 32


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    """A runtime that gives one answer to everything, below `tmp_path`."""
    (tmp_path / "run").mkdir()
    (tmp_path / "proc").mkdir()
    given = [b""]

    def serve(server: socket.socket) -> None:
        with suppress(OSError):  # until it is shut down
            while True:
                link, _ = server.accept()
                with link:
                    link.recv(65536)
                    link.sendall(given[0])

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "run/docker.sock"))
        server.listen()
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield lambda answer: given.__setitem__(0, answer)
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def ok(body: object) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\n\r\n" + data


def inspected(pid: object, name: object = "/web") -> bytes:
    return ok({"Id": ID, "Name": name, "State": {"Pid": pid}})


def test_a_container_by_its_name(answers: Answers, tmp_path: Path) -> None:
    answers(inspected(42))
    assert find_container("web", tmp_path) == (Container(ID, "web", 42, "docker"), ())


@pytest.mark.parametrize(
    "answer",
    [ok(b"null"), ok([1]), *map(inspected, ("12", -5, 10**30, True, None, 1.5)), ok({"State": []}), ok(b"[" * 200_000),
     ok(b"\xff"), b"SSH-2.0\r\n", b"HTTP/1.1 " + b"9" * 5000 + b" OK\r\n\r\n{}", b"HTTP/1.1 500 Oops\r\n\r\n{}",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", b""],
)  # fmt: skip
def test_what_is_not_understood_is_not_taken_for_no_container(answers: Answers, tmp_path: Path, answer: bytes) -> None:
    answers(answer)
    found, gaps = find_container("web", tmp_path)
    assert found is None
    assert [one.what for one in gaps] == ["containers of docker"]
    assert not any(word in gaps[0].because for word in ("int()", "Exceeds", "codec", "recursion"))


def test_a_container_that_the_runtime_does_not_know_is_none(answers: Answers, tmp_path: Path) -> None:
    answers(b"HTTP/1.1 404 Not Found\r\n\r\n{}")
    assert find_container("web", tmp_path) == (None, ())


def test_a_length_of_thousands_of_digits_announces_nothing(answers: Answers, tmp_path: Path) -> None:
    answers(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + inspected(42).partition(b"OK")[2])
    assert find_container("web", tmp_path)[0] == Container(ID, "web", 42, "docker")


@pytest.mark.parametrize("names", [{"a": 1}, [], [None], [3], "web", None])
def test_a_container_with_odd_names_has_none(answers: Answers, tmp_path: Path, names: object) -> None:
    answers(ok([{"Id": ID, "Names": names}, {"Id": "cd" * 32, "Names": ["/db"]}]))
    assert read_names({"cd" * 6}, tmp_path) == {"cd" * 6: "db"}


def test_half_a_surrogate_pair_can_be_printed(answers: Answers, tmp_path: Path) -> None:
    answers(ok(rb'[{"Id": "%s", "Names": ["/\ud800x"]}]' % ID.encode()))
    assert read_names({ID[:12]}, tmp_path) == {ID[:12]: "?x"}
    answers(inspected(42, "/\ud800x"))
    assert find_container("caf\udce9", tmp_path)[0] == Container(ID, "?x", 42, "docker")


def test_names_that_are_nested_without_end_are_unknown(answers: Answers, tmp_path: Path) -> None:
    answers(ok(b"[" * 200_000))
    assert isinstance(read_names({ID[:12]}, tmp_path), Unknown)
