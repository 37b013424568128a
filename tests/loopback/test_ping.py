"""ping on this machine's own loopback, by whichever ICMP socket the user may open."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loopdiag.model.address import Address
from loopdiag.model.echo import EchoPlan, EchoReply
from loopdiag.probes.icmp.control import Control
from loopdiag.probes.icmp.options import EchoOptions
from loopdiag.probes.icmp.probe import ping_address
from loopdiag.probes.icmp.sockets import EchoSocket, open_socket
from tests.host import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.model.echo import EchoEvent, Statistics

PING = [sys.executable, "-m", "loopdiag", "ping"]


@pytest.fixture(autouse=True)
def _permitted() -> None:
    sock = open_socket(4)
    if not isinstance(sock, EchoSocket):
        pytest.skip("this user may open no ICMP socket")
    sock.close()
    run = ping_address(Address("127.0.0.1"), EchoOptions(count=1))
    if not run.statistics.received:
        pytest.skip("127.0.0.1 does not answer here")


def test_lines_and_exit_code() -> None:
    done = subprocess.run([*PING, "-c", "2", "-i", "0.01", "127.0.0.1"], capture_output=True, text=True, cwd=PROJECT)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert done.stderr == ""
    assert lines[0] == "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data."
    assert re.match(r"64 bytes from 127\.0\.0\.1: icmp_seq=1 ttl=\d+ time=[\d.]+ ms", lines[1])
    assert lines[3:5] == ["", "--- 127.0.0.1 ping statistics ---"]
    assert re.fullmatch(r"2 packets transmitted, 2 received, 0% packet loss, time \d+ms", lines[5])
    assert re.fullmatch(r"rtt min/avg/max/mdev = [\d.]+/[\d.]+/[\d.]+/[\d.]+ ms", lines[6])
    assert "works: 127.0.0.1 answers" in done.stdout
    assert max(map(len, lines[7:])) <= 80


def test_quiet_shows_header_statistics_and_verdict() -> None:
    done = subprocess.run([*PING, "-q", "-c", "1", "127.0.0.1"], capture_output=True, text=True, cwd=PROJECT)
    assert "64 bytes from" not in done.stdout
    assert "1 packets transmitted, 1 received" in done.stdout
    assert done.stdout.splitlines()[-1] == "works: 127.0.0.1 answers"


def test_a_format_for_machines_ends_by_itself() -> None:
    done = subprocess.run([*PING, "--json", "127.0.0.1"], capture_output=True, text=True, cwd=PROJECT, timeout=30)
    report = json.loads(done.stdout)
    assert report["statistics"]["transmitted"] == 3
    assert len(report["observations"]) == 3


def test_a_file_holds_the_whole_page(tmp_path: object) -> None:
    path = f"{tmp_path}/page"
    words = [*PING, "-c", "1", "--output", path, "127.0.0.1"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=PROJECT)
    with open(path) as file:  # noqa: PTH123
        text = file.read()
    assert (done.returncode, done.stdout) == (0, "")
    assert "PING 127.0.0.1" in text
    assert "64 bytes from 127.0.0.1: icmp_seq=1" in text
    assert "1 packets transmitted, 1 received" in text


def test_quit_tells_and_interrupt_ends() -> None:
    process = subprocess.Popen(
        [*PING, "127.0.0.1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "64 bytes from" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGQUIT)
        process.stderr.read(1)
        told = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(timeout=30) == 0
    assert re.search(r"\d+/\d+ packets, 0% loss, min/avg/ewma/max = ", told)
    assert re.search(r"\d+ packets transmitted, \d+ received, 0% packet loss", rest)
    assert "works: " in rest


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "0", "127.0.0.1"], ["-i", "-1", "127.0.0.1"], ["-i", "nan", "127.0.0.1"], ["-s", "65508", "127.0.0.1"],
        ["-t", "256", "127.0.0.1"], ["-Q", "256", "127.0.0.1"], ["-p", "xyz", "127.0.0.1"], ["-M", "ask", "127.0.0.1"],
        ["-I", "nosuchdevice", "127.0.0.1"], ["-I", "192.0.2.77", "127.0.0.1"], ["-I", "::1", "127.0.0.1"],
        ["-4", "::1"], ["-6", "127.0.0.1"], ["-4", "-6", "::1"], [""], ["a b"], ["fe80::1%nosuchdevice"], ["1.2.3.4.5"],
        ["-W", "inf", "127.0.0.1"], [],
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence(words: list[str]) -> None:
    done = subprocess.run([*PING, *words], capture_output=True, text=True, cwd=PROJECT, timeout=30)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("loopdiag: ")
    assert done.stderr.count("\n") == 1


def watched(**options: object) -> list[EchoEvent]:
    events: list[EchoEvent] = []
    ping_address(Address("127.0.0.1"), EchoOptions(**options), watch=events.append)  # type: ignore[arg-type]
    return events


def test_events_come_as_they_happen() -> None:
    plan, *replies = watched(count=3, interval=0.01)
    assert isinstance(plan, EchoPlan)
    assert plan.stamped
    assert [reply.sequence for reply in replies if isinstance(reply, EchoReply)] == [1, 2, 3]


@pytest.mark.parametrize("size", [0, 1, 7, 8, 1472, 65507])
def test_sizes(size: int) -> None:
    run = ping_address(Address("127.0.0.1"), EchoOptions(count=1, size=size))
    assert [seen.bytes for seen in run.observations] == [size + 8]


def test_the_reins_end_it() -> None:
    said: list[Statistics] = []
    control = Control(said.append)

    def after_two(event: EchoEvent) -> None:
        if isinstance(event, EchoReply):
            control.ask() if event.sequence == 1 else control.stop()

    watch: Callable[[EchoEvent], None] = after_two
    run = ping_address(Address("127.0.0.1"), EchoOptions(interval=0.01), control=control, watch=watch)
    control.close()
    assert run.statistics.received == 2
    assert [counts.received for counts in said] == [1]
