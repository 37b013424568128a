"""Unreadable, malformed, or asked in the wrong order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.names.files import malformed, nsswitch_order, unreadable
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.unknown import Unknown
from tests.unit.explain.names.cases import LISTENER, NAMES, V4, V6, asking, connected, refused, resolving

CLOSED = Unknown("/etc/hosts", "/etc/hosts may not be read by this user")
MARKED = replace(V4, fault="it begins with a byte order mark", meant="127.0.0.1")


@pytest.mark.parametrize("rule", [unreadable, malformed, nsswitch_order])
def test_a_healthy_host(rule) -> None:  # type: ignore[no-untyped-def]
    assert list(rule(resolving())) == []


@pytest.mark.parametrize("topic", ["hosts", "services"])
def test_a_file_that_cannot_be_read(topic: str) -> None:
    names = replace(NAMES, errno="EAI_NONAME", **{topic: CLOSED})  # type: ignore[arg-type]
    (found,) = unreadable(resolving(names, ()))
    assert (found.severity, found.certainty, found.subject) == (Severity.ERROR, Certainty.LIKELY, "/etc/hosts")
    assert found.fixes[0].run == "chmod 644 /etc/hosts"


def test_resolv_conf_does_not_matter_for_a_name_of_the_hosts_file() -> None:
    assert list(unreadable(resolving(replace(NAMES, servers=CLOSED)))) == []
    (found,) = unreadable(resolving(replace(NAMES, servers=CLOSED, errno="EAI_AGAIN"), ()))
    assert found.cause == "resolver-file-unreadable"


def test_another_source_made_good_for_it() -> None:
    (found,) = unreadable(asking(connected("127.0.0.1"), names=replace(NAMES, hosts=CLOSED)))
    assert found.severity is Severity.WARNING


def test_a_spoilt_line() -> None:
    (found,) = malformed(resolving(replace(NAMES, hosts=(MARKED,), errno="EAI_NONAME"), ()))
    assert (found.severity, found.subject) == (Severity.ERROR, "/etc/hosts line 1")
    assert "byte order mark" in found.statement
    assert "127.0.0.1 localhost" in found.fixes[0].say


def test_a_spoilt_line_of_which_another_makes_good() -> None:
    assert list(malformed(resolving(replace(NAMES, hosts=(MARKED, replace(V4, line=2), V6))))) == []


def test_a_line_that_was_taken_out_is_not_spoilt() -> None:
    taken_out = replace(MARKED, commented=True)
    assert list(malformed(resolving(replace(NAMES, hosts=(taken_out,), errno="EAI_NONAME"), ()))) == []


def test_one_family_is_spoilt() -> None:
    names = replace(NAMES, hosts=(MARKED, V6))
    (found,) = malformed(asking(refused("::1"), names=names, given=("::1",), listeners=(LISTENER,)))
    assert found.severity is Severity.ERROR
    (found,) = malformed(asking(refused("::1"), names=names, given=("::1",), listeners=()))
    assert found.severity is Severity.WARNING  # nothing listens: the spoilt line is not why
    (found,) = malformed(asking(connected("::1"), names=names, given=("::1",)))
    assert found.severity is Severity.WARNING


def test_files_left_out() -> None:
    names = replace(NAMES, services=("dns",), errno="EAI_AGAIN")
    (found,) = nsswitch_order(resolving(names, ()))
    assert (found.severity, found.subject) == (Severity.ERROR, "/etc/nsswitch.conf line 3")
    assert "leaves out files" in found.statement


def test_files_left_out_and_the_same_answer() -> None:
    assert list(nsswitch_order(resolving(replace(NAMES, services=("dns",))))) == []


def test_dns_gives_another_address() -> None:
    names = replace(NAMES, services=("dns", "files"))
    (found,) = nsswitch_order(resolving(names, ("10.9.9.9",)))
    assert "asks dns first, and it gives 10.9.9.9" in found.statement


def test_dns_first_that_does_not_know_the_name() -> None:
    assert list(nsswitch_order(resolving(replace(NAMES, services=("dns", "files"))))) == []


def test_dns_first_that_is_slow() -> None:
    (found,) = nsswitch_order(resolving(replace(NAMES, services=("dns", "files"), seconds=1.2)))
    assert found.severity is Severity.WARNING
    assert "took 1.2 s" in found.statement


def test_dns_first_that_is_dead() -> None:
    (found,) = nsswitch_order(resolving(replace(NAMES, services=("dns", "files"), seconds=1.5, errno="timed-out"), ()))
    assert "no answer came within 1.5 s" in found.statement


def test_without_a_hosts_line() -> None:
    names = replace(NAMES, services=("dns", "[!UNAVAIL=return]", "files"), services_line=None, errno="EAI_NONAME")
    (found,) = nsswitch_order(resolving(names, ()))
    assert found.subject == "/etc/nsswitch.conf"
    assert "no hosts line" in found.statement


def test_a_name_that_the_hosts_file_does_not_have() -> None:
    assert list(nsswitch_order(resolving(replace(NAMES, services=("dns",), hosts=(), errno="EAI_NONAME"), ()))) == []


def test_an_ipv4_line_for_an_ipv6_question() -> None:
    names = replace(NAMES, services=("dns",), hosts=(V4,), errno="EAI_NONAME", family="ipv6")
    assert list(nsswitch_order(resolving(names, ()))) == []


@pytest.mark.parametrize("then", ["continue", "MERGE"])
def test_files_first_and_its_answer_dropped(then: str) -> None:
    names = replace(NAMES, services=("files", f"[SUCCESS={then}]", "dns"), errno="EAI_NONAME")
    (found,) = nsswitch_order(resolving(names, ()))
    assert f"(SUCCESS={then.lower()})" in found.statement
    assert list(nsswitch_order(resolving(replace(names, errno=None)))) == []


def test_a_line_of_nsswitch_conf_that_cannot_be_parsed() -> None:
    names = replace(NAMES, services_spoilt=7, errno="EAI_NONAME")
    (found,) = nsswitch_order(resolving(names, ()))
    assert found.subject == "/etc/nsswitch.conf line 7"
    assert "cannot be parsed" in found.statement
