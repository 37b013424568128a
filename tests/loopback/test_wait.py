"""`wait` beside listeners of the test's own."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopdiag.diagnose.wait import wait
from loopdiag.model.readiness import Wish
from loopdiag.model.report import Verdict
from loopdiag.model.target import parse_awaited
from tests.host import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopdiag.model.readiness import Change
    from loopdiag.model.report import Report

PROC = Path("/proc")


@contextlib.contextmanager
def accepting(port: int = 0, *, answer: bytes = b"") -> Iterator[int]:
    """A server that accepts, answers what comes first, and keeps the connection."""
    end = threading.Event()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        server.settimeout(0.02)
        thread = threading.Thread(target=_serve, args=(server, end, answer))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            end.set()
            thread.join()


def _serve(server: socket.socket, end: threading.Event, answer: bytes) -> None:
    with contextlib.ExitStack() as open_ones:
        while not end.is_set():
            with contextlib.suppress(OSError):
                taken = open_ones.enter_context(server.accept()[0])
                if answer:
                    taken.settimeout(0.3)
                    if taken.recv(4096):
                        taken.sendall(answer)
                        taken.close()


@contextlib.contextmanager
def talking(speak: Callable[[socket.socket], object]) -> Iterator[int]:
    """A server that does so with each connection, and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with server.accept()[0] as taken:
                        speak(taken)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def waiting(*targets: str, **wish: Any) -> Report:
    return wait([parse_awaited(one) for one in targets], Wish(**{"timeout": 10.0, **wish}))


def loopdiag(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "loopdiag", "wait", *words], capture_output=True, text=True,
                          cwd=PROJECT, timeout=60)  # fmt: skip


def test_what_answers_already_is_not_waited_for() -> None:
    with accepting() as port:
        report = waiting(f"127.0.0.1:{port}")
    assert report.verdict is Verdict.WORKS
    assert [change.says for change in report.extra["waited"][0].history] == ["answers"]


def test_a_listener_that_comes_up_is_told_as_that() -> None:
    port, up = free_port(), threading.Event()
    heard: list[Change] = []

    def hear(change: Change) -> None:
        heard.append(change)
        up.set()

    with contextlib.ExitStack() as stack:
        starter = threading.Thread(target=lambda: up.wait(10) and stack.enter_context(accepting(port)))
        starter.start()
        report = wait([parse_awaited(f"127.0.0.1:{port}")], Wish(timeout=10), hear)
        starter.join()
    assert report.verdict is Verdict.WORKS
    assert [change.says for change in heard] == ["refused", "answers"]
    assert report.extra["waited"][0].story == "refused, then answers"


def test_one_that_has_only_just_called_listen_counts() -> None:
    port, up = free_port(), threading.Event()
    with socket.socket() as late:
        late.bind(("127.0.0.1", port))

        def listen() -> None:
            up.wait(10)
            late.listen()

        starter = threading.Thread(target=listen)
        starter.start()
        report = wait([parse_awaited(f"127.0.0.1:{port}")], Wish(timeout=10), lambda change: up.set())
        starter.join()
    assert report.verdict is Verdict.WORKS


def test_all_any_and_gone() -> None:
    closed = f"127.0.0.1:{free_port()}"
    with accepting() as port:
        there = f"127.0.0.1:{port}"
        assert waiting(closed, there, any_one=True).verdict is Verdict.WORKS
        assert waiting(closed, there, timeout=0.3).verdict is Verdict.BROKEN
        late = waiting(there, gone=True, timeout=0.3)
        assert late.verdict is Verdict.BROKEN
        assert "still answers" in late.summary
        assert not late.findings
    assert waiting(closed, gone=True).verdict is Verdict.WORKS


def test_a_time_out_is_the_diagnosis() -> None:
    report = waiting(f"127.0.0.1:{free_port()}", timeout=0.3)
    assert report.verdict is Verdict.BROKEN
    assert report.findings[0].cause == "no-listener"
    assert report.observations


def test_what_has_changed_since_its_diagnosis_is_diagnosed_again() -> None:
    port, up = free_port(), threading.Event()
    with contextlib.ExitStack() as stack:

        def come_up_with_an_error() -> None:
            up.wait(10)
            time.sleep(0.8)  # when the first diagnosis is over
            stack.enter_context(accepting(port, answer=b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n"))

        starter = threading.Thread(target=come_up_with_an_error)
        starter.start()
        report = wait([parse_awaited(f"http://127.0.0.1:{port}/")], Wish(timeout=1.6), lambda change: up.set())
        starter.join()
        assert report.extra["waited"][0].story == "refused, then HTTP 503"
        assert [one.cause for one in report.findings] == ["http-error"]


def test_http_waits_for_the_status() -> None:
    with accepting(answer=b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n") as port:
        url = f"http://127.0.0.1:{port}/"
        late = waiting(url, timeout=0.5)
        assert late.extra["waited"][0].says == "HTTP 503"
        assert late.findings[0].cause == "http-error"
        assert waiting(url, status=frozenset({503})).verdict is Verdict.WORKS
        other = waiting(url, status=frozenset({200}), timeout=0.5)
        assert other.extra["waited"][0].says == "HTTP 503, not the status waited for"


def test_an_answer_that_breaks_off_does_not_count() -> None:
    with accepting(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") as port:
        late = waiting(f"http://127.0.0.1:{port}/", timeout=0.5)
        assert late.extra["waited"][0].says == "HTTP 200, broken off in its midst"
        assert late.findings[0].cause == "closed-without-reply"


@pytest.mark.parametrize(
    ("answer", "says", "cause"),
    [
        (b"E\0\0\0\x40SFATAL\0C28000\0Mno pg_hba.conf entry for host \"127.0.0.1\", user \"postgres\"\0\0",
         "says that it does not serve this client", "service-restricts-peers"),
        (b"E\0\0\0\x40SFATAL\0C57P03\0Mthe database system is starting up\0\0", "says that it is not ready yet", None),
    ],
)  # fmt: skip
def test_a_database_that_turns_clients_away_is_not_ready(answer: bytes, says: str, cause: str | None) -> None:
    with accepting(answer=answer) as port:
        late = waiting(f"postgres://127.0.0.1:{port}", timeout=0.6)
    assert late.verdict is Verdict.BROKEN
    assert late.extra["waited"][0].says == says
    assert [one.cause for one in late.findings][:1] == ([cause] if cause else [])


def test_a_service_that_resets_or_turns_clients_away_is_not_ready() -> None:
    with talking(lambda taken: taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))) as port:
        assert waiting(f"127.0.0.1:{port}", timeout=0.5).findings[0].cause == "reset-by-service"
    with talking(lambda taken: taken.sendall(b"connections from 127.0.0.1 are not allowed\r\n")) as port:
        late = waiting(f"127.0.0.1:{port}", timeout=0.5)
    assert late.extra["waited"][0].says == "accepts, then says that it does not serve this client"
    assert late.findings[0].cause == "service-restricts-peers"


def test_a_database_that_asks_for_a_password_is_ready() -> None:
    with accepting(answer=b"R\0\0\0\x08\0\0\0\x03") as port:
        assert waiting(f"postgres://127.0.0.1:{port}").verdict is Verdict.WORKS


def test_files_and_unix_sockets(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert waiting(f"file:{path}", timeout=0.05).verdict is Verdict.BROKEN
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert waiting(f"unix:{path}", timeout=0.3).verdict is Verdict.BROKEN
        server.listen()
        assert waiting(f"unix:{path}", f"file:{path}").verdict is Verdict.WORKS


@pytest.mark.skipif(not hasattr(socket, "TCP_DEFER_ACCEPT"), reason="TCP_DEFER_ACCEPT is of Linux")
def test_a_listener_that_waits_for_data_before_it_accepts_is_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
        assert waiting(f"127.0.0.1:{server.getsockname()[1]}").verdict is Verdict.WORKS


def test_hold_is_waited_out() -> None:
    began = time.monotonic()
    with accepting() as port:
        assert waiting(f"127.0.0.1:{port}", hold=0.3).verdict is Verdict.WORKS
    assert time.monotonic() - began >= 0.3


def test_a_silent_udp_service_counts_once_nothing_is_in_its_way() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        report = waiting(f"udp://127.0.0.1:{silent.getsockname()[1]}")
    assert report.verdict is Verdict.WORKS
    assert "silence" in report.extra["waited"][0].says


def test_the_command_runs_when_ready_and_its_exit_code_is_ours(tmp_path: Path) -> None:
    done = loopdiag(f"file:{tmp_path}", "--", "sh", "-c", "echo ran --all; exit 7")
    assert (done.returncode, done.stdout) == (7, "ran --all\n")
    done = loopdiag(f"file:{tmp_path}/no", "--timeout", "100ms", "--", "echo", "ran")
    assert done.returncode == 124
    assert "ran" not in done.stdout.split()
    assert loopdiag(f"file:{tmp_path}", "--", "no-such-program").returncode == 127
    assert loopdiag(f"file:{tmp_path}", "--", "sh", "-c", "kill -TERM $$").returncode == -signal.SIGTERM


def test_exit_codes_and_streams() -> None:
    port = free_port()
    done = loopdiag(f"127.0.0.1:{port}", "--timeout", "500ms", "--json")
    assert done.returncode == 124
    assert json.loads(done.stdout)["findings"][0]["cause"] == "no-listener"
    assert done.stderr.split()[2:] == [f"127.0.0.1:{port}", "refused"]


@pytest.mark.parametrize(
    "words",
    [(), ("x:y",), (":1", "--timeout", "soon"), (":1", "--timeout", "0"), (":1", "--all", "--any"), (":1", "--"),
     (":1", "--for", "2s", "--timeout", "1s"), ("file:x",), (":1", "--expect-status", "99"), ("fe80::1%no-such",)],
)  # fmt: skip
def test_wrong_words_are_one_sentence(words: tuple[str, ...]) -> None:
    done = loopdiag(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("loopdiag: ")


def test_an_interrupt_ends_it() -> None:
    command = [sys.executable, "-m", "loopdiag", "wait", f"127.0.0.1:{free_port()}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT,
                          preexec_fn=_heeds_interrupts) as process:  # fmt: skip
        assert process.stderr is not None
        assert "refused" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def _heeds_interrupts() -> None:
    """A shell's background job does not, and the tests may be run in one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_sigterm_ends_it_as_process_1_too() -> None:
    command = [sys.executable, "-m", "loopdiag", "wait", f"127.0.0.1:{free_port()}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        assert process.stderr is not None
        assert "refused" in process.stderr.readline()
        caught = (PROC / str(process.pid) / "status").read_text() if PROC.exists() else "SigCgt:\t4000"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
    (mask,) = [line.split()[1] for line in caught.splitlines() if line.startswith("SigCgt:")]
    assert int(mask, 16) >> (signal.SIGTERM - 1) & 1, "the kernel keeps from process 1 what it has no handler for"
