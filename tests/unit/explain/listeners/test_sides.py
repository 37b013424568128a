"""Two namespaces side by side: commands that ask in the right one, and what an error of the other one weighs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from loopdiag.explain.listeners.other_side import inside, of_both, option, verdict_of_both
from loopdiag.explain.listeners.wording import end_of, way_in
from loopdiag.model.finding import Finding, Severity
from loopdiag.model.report import Report, Verdict
from loopdiag.model.side import HOST, Side
from loopdiag.model.socket import Socket

LISTENER = Socket("tcp", "LISTEN", "127.0.0.1", 80, ("ipv4",))
STOPPED = Finding(cause="listener-stopped", subject="10.0.0.2:80", statement="it is stopped", evidence=())


def side(where: str, number: int, *findings: Finding, verdict: Verdict = Verdict.WORKS) -> Side:
    report = Report(command="why", started=datetime.now(UTC), seconds=0.0, target=None, verdict=verdict, summary="",
                    findings=findings)  # fmt: skip
    return Side(where=where, namespace=number, verdict=verdict, summary="", observations=(), listeners=(),
                report=report)  # fmt: skip


@pytest.mark.parametrize(
    ("where", "words"),
    [(HOST, ""), ("web", " --netns web"), ("a b", " --netns 'a b'"), ("adv;id", " --netns 'adv;id'"),
     ("a:b", " --netns a:b"), ("pid:42", " --pid 42"), ("container:web", " --container web")],
)  # fmt: skip
def test_the_option_that_moves_loopdiag(where: str, words: str) -> None:
    assert option(where) == words


@pytest.mark.parametrize(
    ("where", "run"),
    [(HOST, "ip link set eth0 up"), ("a b", "ip netns exec 'a b' ip link set eth0 up"), ("container:web", None),
     ("pid:42", "nsenter --net --target 42 ip link set eth0 up"),
     ("/x y", "nsenter '--net=/x y' ip link set eth0 up")],
)  # fmt: skip
def test_the_command_that_does_it_in_there(where: str, run: str | None) -> None:
    assert inside("ip link set eth0 up", where) == run


def test_what_no_network_namespace_holds_is_done_from_anywhere() -> None:
    assert inside("kill -CONT 42", "web") == "kill -CONT 42"
    assert inside("sysctl -w a=1 | cat", "web") == "ip netns exec web sh -c 'sysctl -w a=1 | cat'"


def test_a_held_up_server_there_serves_nobody() -> None:
    here, there = side("a", 1), side("b", 2, STOPPED, verdict=Verdict.BROKEN)
    mine, others = of_both(here, there, None)
    assert (mine, [one.statement for one in others]) == ([], ["in b: it is stopped"])
    assert verdict_of_both(here, others) is Verdict.BROKEN
    assert verdict_of_both(replace(here, listeners=(LISTENER,)), others) is Verdict.DEGRADED


def test_another_error_there_leaves_what_works_here() -> None:
    other = replace(STOPPED, cause="loopback-down")
    assert verdict_of_both(side("a", 1), [other]) is Verdict.DEGRADED
    assert verdict_of_both(side("a", 1), [replace(other, severity=Severity.NOTE)]) is Verdict.WORKS


def test_what_both_say_is_told_once() -> None:
    mine, others = of_both(side("a", 1, STOPPED), side("b", 2, STOPPED), None)
    assert ([one.statement for one in mine], others) == (["in a as in b: it is stopped"], [])


def test_the_same_namespace_has_no_other_side() -> None:
    assert of_both(side("a", 1, STOPPED), side("b", 1, STOPPED), None) == ([STOPPED], [])


@pytest.mark.parametrize(
    ("way", "words"), [(42, "--pid 42"), ("web", "--netns web"), ("a b", "--netns 'a b'"), ("/x", "--netns /x")]
)
def test_the_way_to_a_socket(way: str | int, words: str) -> None:
    assert way_in(replace(LISTENER, way_in=way)) == words


@pytest.mark.parametrize(
    ("address", "device", "end"),
    [("0.0.0.0", None, "127.0.0.1:80"), ("::", None, "[::1]:80"), ("fe80::7", "eth0", "[fe80::7%eth0]:80"),
     ("fd00::7", "eth0", "[fd00::7]:80"), ("10.0.0.2", None, "10.0.0.2:80")],
)  # fmt: skip
def test_where_a_client_asks(address: str, device: str | None, end: str) -> None:
    assert end_of(replace(LISTENER, address=address, device=device)) == end
