"""Proxies, ports and destinations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loopdiag.explain.client.ports import unsafe_port
from loopdiag.explain.client.proxy import proxy_captures_loopback
from loopdiag.explain.client.unspecified import unspecified_destination
from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.finding import Severity
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.service import HttpExchange
from loopdiag.model.target import parse_target

if TYPE_CHECKING:
    from loopdiag.model.observation import Observation

GOOD = TcpConnect(address="127.0.0.1", port=3000, outcome=Outcome.CONNECTED)
DEAD = TcpConnect(address="127.0.0.1", port=3128, outcome=Outcome.REFUSED, errno="ECONNREFUSED")
ALIVE = TcpConnect(address="127.0.0.1", port=3128, outcome=Outcome.CONNECTED)
PROXY = {"http_proxy": "http://127.0.0.1:3128"}


def case(target: str, *seen: Observation, command: str = "why", **facts: Any) -> Case:
    return Case(command, parse_target(target), seen, Facts(**facts))


def captured(
    proxies: dict[str, str],
    attempt: TcpConnect | None = DEAD,
    target: str = "http://localhost:3000/",
    seen: TcpConnect = GOOD,
) -> list[Severity]:
    attempts = (attempt,) if attempt else ()
    found = proxy_captures_loopback(case(target, seen, proxies=proxies, proxy_attempts=attempts))
    return [one.severity for one in found]


def test_a_dead_proxy() -> None:
    assert captured(PROXY) == [Severity.ERROR]


def test_no_proxy() -> None:
    assert captured({}) == []
    assert captured(PROXY | {"no_proxy": "localhost"}) == []
    assert captured(PROXY | {"NO_PROXY": "*"}) == []


def test_a_proxy_that_answers() -> None:
    assert captured(PROXY, ALIVE) == [Severity.WARNING]


def through(status: int | None, outcome: Outcome = Outcome.FAILED) -> HttpExchange:
    return HttpExchange(address="127.0.0.1", port=3128, outcome=outcome, status=status)


@pytest.mark.parametrize(
    ("answer", "severity", "says"),
    [
        (through(200, Outcome.REPLIED), Severity.WARNING, "which answers and sees them"),
        (through(502), Severity.ERROR, "answers HTTP 502 in the server's place"),
        (through(None, Outcome.TIMED_OUT), Severity.ERROR, "does not answer"),
        (through(None, Outcome.CLOSED), Severity.ERROR, "without an answer (closed)"),
    ],
)
def test_what_a_proxy_gives_in_place_of_the_server(answer: HttpExchange, severity: Severity, says: str) -> None:
    direct = HttpExchange(address="127.0.0.1", port=3000, outcome=Outcome.REPLIED, status=200)
    asked = case(
        "http://localhost:3000/", GOOD, direct, proxies=PROXY, proxy_attempts=(ALIVE,), proxy_answers=(answer,)
    )
    (found,) = proxy_captures_loopback(asked)
    assert found.severity is severity
    assert says in found.statement


def test_a_proxy_elsewhere_asks_itself() -> None:
    assert captured({"http_proxy": "http://proxy.test:3128"}, None) == [Severity.ERROR]


def test_no_proxy_for_another_form() -> None:
    assert captured(PROXY | {"no_proxy": "127.0.0.1"}) == [Severity.ERROR]


@pytest.mark.parametrize("other", [{"no_proxy": ".localhost"}, {"no_proxy": "localhost", "NO_PROXY": "other.test"}])
def test_no_proxy_that_some_clients_read(other: dict[str, str]) -> None:
    assert captured(PROXY | other) == [Severity.WARNING]


def test_only_the_variable_of_the_scheme_counts() -> None:
    assert captured({"https_proxy": "http://127.0.0.1:3128"}) == []
    assert captured({"https_proxy": "http://127.0.0.1:3128"}, target="https://localhost:3000/") == [Severity.ERROR]
    assert captured({"ALL_PROXY": "socks5://127.0.0.1:3128"}) == [Severity.ERROR]


def test_a_database_is_not_asked_through_a_proxy() -> None:
    assert captured(PROXY, target="tcp://localhost:3000") == []


def test_another_machine_is_none_of_our_business() -> None:
    assert captured(PROXY, target="http://db.test:3000/", seen=TcpConnect(
        address="192.0.2.1", port=3000, outcome=Outcome.CONNECTED)) == []  # fmt: skip


def test_a_server_that_is_down_is_worse() -> None:
    down = TcpConnect(address="127.0.0.1", port=3000, outcome=Outcome.REFUSED, errno="ECONNREFUSED")
    assert captured(PROXY, seen=down) == [Severity.WARNING]


def test_the_proxy_itself_is_asked_for() -> None:
    assert captured({"http_proxy": "http://localhost:3000"}) == []


@pytest.mark.parametrize("target", ["http://localhost:6000/", "https://localhost:25/", "localhost:6667"])
def test_a_port_that_browsers_refuse(target: str) -> None:
    assert [one.severity for one in unsafe_port(case(target, GOOD))] == [Severity.NOTE]


@pytest.mark.parametrize("target", ["http://localhost:3000/", "localhost:22", "udp://localhost:6000", "localhost"])
def test_a_port_that_no_browser_was_meant_for(target: str) -> None:
    assert list(unsafe_port(case(target, GOOD))) == []


def test_the_unspecified_address_as_destination() -> None:
    seen = TcpConnect(address="0.0.0.0", port=3000, outcome=Outcome.CONNECTED)
    (found,) = unspecified_destination(case("0.0.0.0:3000", seen))
    assert (found.severity, found.subject) == (Severity.NOTE, "0.0.0.0:3000")
    assert list(unspecified_destination(case("0.0.0.0:3000", seen, command="bind-test"))) == []
    assert list(unspecified_destination(case("127.0.0.1:3000", GOOD))) == []
