"""The checks that use real sockets: each is the diagnosis of another command, on this host's own addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.checkup.result import of_report, skipped
from loopdiag.host.read import read
from loopdiag.model.checkup import State
from loopdiag.model.finding import Severity
from loopdiag.model.target import parse_host, parse_target
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from loopdiag.diagnose.checkup.result import Looked

PATIENCE = 0.4  # seconds for all connections to a listener together: lo takes a ten-thousandth of it
# What says nothing against the host: a user's rights, and what was switched off on purpose, as in containers.
_MILD = ("icmp-not-permitted", "ipv6-disabled")
_NO_SIX = "IPv6 is off on this host, and the hosts file names no IPv6 address for localhost"


def interfaces() -> Looked:
    """lo is up, with its addresses and a usable MTU; no own address is tentative."""
    from loopdiag.diagnose.interfaces import interfaces as diagnose

    report = diagnose()
    return of_report(report, report.summary)


def echo_four() -> Looked:
    """127.0.0.1 answers an echo request."""
    return _echo("icmp://127.0.0.1", "127.0.0.1 answers an echo request")


def echo_six() -> Looked:
    """::1 does."""
    return _echo("icmp://[::1]", "::1 answers an echo request") if wants_six() else skipped(_NO_SIX)


def tcp_four() -> Looked:
    """A listener on 0.0.0.0 is reached by every local address: routes, rules and the packet filter let it."""
    return _bind("0.0.0.0", "tcp")


def tcp_six() -> Looked:
    """One on ::, likewise."""
    return _bind("::", "tcp") if wants_six() else skipped(_NO_SIX)


def udp_four() -> Looked:
    """A datagram to 127.0.0.1 is answered."""
    return _bind("127.0.0.1", "udp")


def localhost() -> Looked:
    """localhost gives the loopback addresses."""
    from loopdiag.diagnose.resolve import resolve

    report = resolve(parse_host("localhost"))
    return of_report(report, report.summary)


def wants_six() -> bool:
    """This host has ::1, or its hosts file says that localhost has it."""
    interfaces = read("interfaces")
    names = read("names", "localhost")
    held = isinstance(interfaces, Unknown) or any(own.address == "::1" for one in interfaces for own in one.addresses)
    return held or (not isinstance(names, Unknown) and bool(names.giving("::1")))


def _echo(target: str, fine: str) -> Looked:
    from loopdiag.diagnose.why import why

    looked = of_report(why(parse_target(target)), fine)
    if any(one.cause in _MILD for one in looked.findings):
        mild = tuple(replace(one, severity=Severity.WARNING) for one in looked.findings)
        return replace(looked, state=State.WARNED, findings=mild)
    return looked


def _bind(address: str, protocol: str) -> Looked:
    from loopdiag.diagnose.bind_test import bind_test

    report = bind_test(parse_host(address, None, protocol), timeout=PATIENCE)
    return of_report(report, report.summary)
