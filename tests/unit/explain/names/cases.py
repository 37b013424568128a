"""One healthy host, of which the tests change one thing at a time."""

from __future__ import annotations

from typing import Any

from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.interface import Interface, InterfaceAddress
from loopdiag.model.names import Answer, HostsLine, NameFacts
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.process import Process
from loopdiag.model.socket import Socket
from loopdiag.model.target import parse_host, parse_target

V4 = HostsLine(file="/etc/hosts", line=1, address="127.0.0.1", names=("localhost",), text="127.0.0.1 localhost")
V6 = HostsLine(file="/etc/hosts", line=2, address="::1", names=("localhost",), text="::1 localhost")
NAMES = NameFacts(
    name="localhost",
    hosts=(V4, V6),
    services=("files", "dns"),
    services_line=3,
    servers=("10.0.0.53",),
    seconds=0.0004,
    by_family={"ipv4": ("127.0.0.1",), "ipv6": ("::1",)},
    configured_only=("::1", "127.0.0.1"),
    configured_by_family={"ipv4": ("127.0.0.1",), "ipv6": ("::1",)},
    host_name="alpha",
)
GIVEN = ("::1", "127.0.0.1")
LISTENER = Socket(protocol="tcp", state="LISTEN", address="127.0.0.1", port=3000, families=("ipv4",),
                  owners=(Process(pid=42, name="node"),))  # fmt: skip
LO = Interface(name="lo", index=1, up=True, running=True, loopback=True, mtu=65536, qdisc="noqueue",
               addresses=(InterfaceAddress("127.0.0.1", 8, "host"), InterfaceAddress("::1", 128, "host")))  # fmt: skip
OUTER = Interface(name="eth0", index=2, up=True, running=True, loopback=False, mtu=1500, qdisc="noqueue",
                  addresses=(InterfaceAddress("10.1.0.2", 24, "global"),))  # fmt: skip


def answers(*addresses: str) -> tuple[Answer, ...]:
    return tuple(Answer(one, "ipv6" if ":" in one else "ipv4") for one in addresses)


def resolving(names: NameFacts = NAMES, given: tuple[str, ...] = GIVEN, **facts: Any) -> Case:
    """`resolve NAME`."""
    return Case("resolve", parse_host(names.name), (), Facts(names=names, answers=answers(*given), **facts))


def asking(
    *seen: TcpConnect, names: NameFacts = NAMES, given: tuple[str, ...] = GIVEN, target: str = "", **facts: Any
) -> Case:
    """`why NAME:3000`."""
    asked = parse_target(target or f"{names.name}:3000")
    return Case("why", asked, seen, Facts(names=names, answers=answers(*given), **facts))


def connected(address: str) -> TcpConnect:
    return TcpConnect(address=address, port=3000, outcome=Outcome.CONNECTED)


def refused(address: str) -> TcpConnect:
    return TcpConnect(address=address, port=3000, outcome=Outcome.REFUSED, errno="ECONNREFUSED")


def unreachable(address: str) -> TcpConnect:
    return TcpConnect(address=address, port=3000, outcome=Outcome.UNREACHABLE, errno="ENETUNREACH")
