"""The lines of ping, in the form that scripts know."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from loopdiag.model.echo import EchoPlan, EchoProblem, EchoReply, Statistics, Times
from loopdiag.report.text.ping_lines import Form, clock_time, header, problem, progress, reply, statistics

PLAN = EchoPlan(host="127.0.0.1", address="127.0.0.1", size=56, socket_type="raw", identifier=4711)
REPLY = EchoReply(at=1.5, sequence=1, sender="127.0.0.1", bytes=64, ttl=64, seconds=31e-6, kernel_seconds=None)
TIMES = Times(min=0.00002, avg=0.000026, max=0.000031, mdev=0.000004, p50=0.00002, p90=0.00003, p99=0.00003,
              ewma=0.000028)  # fmt: skip
COUNTS = Statistics(transmitted=3, received=2, duplicates=0, corrupted=0, errors=0, late=0, reordered=0,
                    send_failures=0, loss=1 / 3, seconds=2.0304, rtt=TIMES, kernel_rtt=None)  # fmt: skip
FORM = Form()


def test_a_reply() -> None:
    assert reply(REPLY, PLAN, FORM) == "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.031 ms"


def test_the_kernels_round_trip_stands_beside_it() -> None:
    text = reply(replace(REPLY, kernel_seconds=3e-6), PLAN, FORM)
    assert text == "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.031 ms (kernel 0.003 ms)"


@pytest.mark.parametrize(
    ("change", "mark"),
    [
        ({"duplicate": True}, " (DUP!)"),
        ({"bad_checksum": True, "damage": "wrong checksum"}, " (BAD CHECKSUM!)"),
        ({"late": True}, " (late)"),
        ({"reordered": True}, " (reordered)"),
        ({"different_address": True}, " (DIFFERENT ADDRESS!)"),
        ({"damage": "wrong data byte #3 should be 0x3 but was 0x0"}, "\nwrong data byte #3 should be 0x3 but was 0x0"),
    ],
)
def test_what_is_odd_about_a_reply(change: dict[str, object], mark: str) -> None:
    assert reply(replace(REPLY, **change), PLAN, FORM).endswith(f"ms{mark}")  # type: ignore[arg-type]


def test_forms() -> None:
    named = replace(PLAN, host="localhost")
    assert reply(REPLY, named, FORM).startswith("64 bytes from localhost (127.0.0.1): icmp_seq=1")
    assert reply(REPLY, named, Form(numeric=True)).startswith("64 bytes from 127.0.0.1: icmp_seq=1")
    assert reply(REPLY, PLAN, Form(clock=True)).startswith("[1.500000] 64 bytes from")
    assert "icmp_seq=1 ident=4711 ttl=64" in reply(REPLY, PLAN, Form(verbose=True))


def test_a_name_with_escapes_is_harmless() -> None:
    assert "\x1b" not in "".join(header(replace(PLAN, host="a\x1b[2Jb")))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data."),
        ({"host": "127.1"}, "PING 127.1 (127.0.0.1) 56(84) bytes of data."),
        ({"host": "::1", "address": "::1"}, "PING ::1(::1) 56 data bytes"),
        ({"host": "localhost", "address": "::1"}, "PING localhost(localhost (::1)) 56 data bytes"),
        (
            {"source_chosen": True, "source": "127.0.0.9"},
            "PING 127.0.0.1 (127.0.0.1) from 127.0.0.9 : 56(84) bytes of data.",
        ),
        (
            {"source_chosen": True, "source": "127.0.0.1", "device": "lo"},
            "PING 127.0.0.1 (127.0.0.1) from 127.0.0.1 lo: 56(84) bytes of data.",
        ),
    ],
)
def test_headers(change: dict[str, object], text: str) -> None:
    assert list(header(replace(PLAN, **change))) == [text]  # type: ignore[arg-type]


def test_problems() -> None:
    answer = EchoProblem(
        at=0.0, sequence=2, sender="10.0.0.1", says="Destination Host Unreachable", errno="EHOSTUNREACH"
    )
    assert problem(answer, FORM) == "From 10.0.0.1 icmp_seq=2 Destination Host Unreachable"
    own = EchoProblem(at=0.0, sequence=2, sender=None, says="sendto: Operation not permitted", errno="EPERM")
    assert problem(own, FORM) == "icmp_seq=2 sendto: Operation not permitted (EPERM)"


def test_statistics() -> None:
    lines = list(statistics(COUNTS, PLAN, FORM))
    assert lines == [
        "--- 127.0.0.1 ping statistics ---",
        "3 packets transmitted, 2 received, 33.3333% packet loss, time 2030ms",
        "rtt min/avg/max/mdev = 0.020/0.026/0.031/0.004 ms",
    ]


def test_statistics_of_what_went_wrong() -> None:
    odd = replace(COUNTS, duplicates=1, corrupted=2, errors=3, late=4, reordered=5, kernel_rtt=TIMES)
    lines = list(statistics(odd, PLAN, Form(verbose=True, paced=True)))
    assert "2 received, +1 duplicates, +2 corrupted, +3 errors, 33.3333% packet loss" in lines[1]
    assert lines[2] == "4 late, 5 reordered"
    assert lines[3].endswith(" ms, ipg/ewma 1015.200/0.028 ms")
    assert lines[4].startswith("kernel rtt min/avg/max/mdev = ")
    assert re.fullmatch(r"rtt p50/p90/p99 = [\d.]+/[\d.]+/[\d.]+ ms", lines[5])


def test_progress() -> None:
    assert progress(COUNTS) == "2/3 packets, 33% loss, min/avg/ewma/max = 0.020/0.026/0.028/0.031 ms"


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.1e-5, "0.031 ms"), (0.00123, "1.23 ms"), (0.0123, "12.3 ms"), (0.123, "123 ms")]
)
def test_times(seconds: float, text: str) -> None:
    assert clock_time(seconds) == text
