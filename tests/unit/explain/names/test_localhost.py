"""localhost, and the names below it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.names.localhost import remapped, subdomain, unmapped
from loopdiag.model.finding import Severity
from loopdiag.model.target import parse_host
from tests.unit.explain.names.cases import (
    LISTENER,
    LO,
    NAMES,
    OUTER,
    V4,
    asking,
    connected,
    refused,
    resolving,
    unreachable,
)

LOST = replace(NAMES, hosts=(), errno="EAI_NONAME")
MOVED = replace(NAMES, hosts=(replace(V4, address="127.0.0.53", text="127.0.0.53 localhost"),))
AWAY = replace(NAMES, hosts=(replace(V4, address="10.7.7.7", text="10.7.7.7 localhost"),))


@pytest.mark.parametrize("rule", [unmapped, remapped, subdomain])
def test_a_healthy_host(rule) -> None:  # type: ignore[no-untyped-def]
    assert list(rule(resolving())) == []


def test_no_line() -> None:
    (found,) = unmapped(resolving(LOST, ()))
    assert (found.cause, found.severity) == ("localhost-unmapped", Severity.ERROR)


def test_a_line_that_was_taken_out_is_told() -> None:
    names = replace(LOST, hosts=(replace(V4, line=4, fault="it is commented out", commented=True),))
    (found,) = unmapped(resolving(names, ()))
    assert "line 4 would, but it is commented out" in found.statement


def test_another_name_is_not_localhost() -> None:
    assert list(unmapped(resolving(replace(LOST, name="db.test"), ()))) == []


def test_a_good_line_that_is_not_asked_is_another_cause() -> None:
    assert list(unmapped(resolving(replace(LOST, hosts=(V4,)), ()))) == []


def test_no_line_for_ipv6() -> None:
    (found,) = unmapped(resolving(replace(LOST, hosts=(V4,), family="ipv6"), ()))
    assert "IPv6 address" in found.statement


def test_another_loopback_address() -> None:
    (found,) = remapped(asking(refused("127.0.0.53"), names=MOVED, given=("127.0.0.53",), listeners=(LISTENER,)))
    assert (found.severity, found.subject) == (Severity.ERROR, "127.0.0.53:3000")
    assert "/etc/hosts line 1" in found.statement
    assert "node (pid 42) listens on 127.0.0.1:3000" in found.statement


def test_another_loopback_address_and_no_server() -> None:
    (found,) = remapped(asking(refused("127.0.0.53"), names=MOVED, given=("127.0.0.53",), listeners=()))
    assert found.severity is Severity.WARNING


def test_another_loopback_address_that_answers() -> None:
    (found,) = remapped(asking(connected("127.0.0.53"), names=MOVED, given=("127.0.0.53",)))
    assert found.severity is Severity.WARNING
    assert "answers here" in found.statement


def test_another_machine() -> None:
    case = asking(unreachable("10.7.7.7"), names=AWAY, given=("10.7.7.7",), listeners=(), interfaces=(LO, OUTER))
    (found,) = remapped(case)
    assert found.severity is Severity.ERROR


def test_lo_down_is_worse() -> None:
    down = replace(LO, up=False)
    (found,) = remapped(
        asking(unreachable("127.0.0.53"), names=MOVED, given=("127.0.0.53",), interfaces=(down,), listeners=(LISTENER,))
    )
    assert found.severity is Severity.WARNING


def test_the_second_address_is_another() -> None:
    (found,) = remapped(resolving(MOVED, ("127.0.0.1", "127.0.0.53")))
    assert found.severity is Severity.WARNING
    (found,) = remapped(resolving(MOVED, ("127.0.0.53", "127.0.0.1")))
    assert found.severity is Severity.ERROR


def test_a_name_below_localhost() -> None:
    names = replace(LOST, name="app.localhost")
    (found,) = subdomain(resolving(names, ()))
    assert (found.cause, found.severity) == ("localhost-subdomain", Severity.ERROR)
    assert found.fixes[0].run == "echo '127.0.0.1 app.localhost' >> /etc/hosts"


def test_a_name_below_localhost_that_dns_sends_elsewhere() -> None:
    names = replace(LOST, name="app.localhost.", errno=None)
    (found,) = subdomain(resolving(names, ("10.1.1.1",)))
    assert "gives 10.1.1.1" in found.statement


def test_a_name_below_localhost_that_resolves() -> None:
    assert list(subdomain(resolving(replace(LOST, name="app.localhost", errno=None), ("127.0.0.1",)))) == []


def test_a_number_is_no_name() -> None:
    case = resolving(LOST, ())
    assert list(unmapped(replace(case, target=parse_host("127.0.0.1")))) == []
