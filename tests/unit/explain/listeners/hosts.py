"""Sockets and processes for the rules about listeners, on the healthy host of tests/unit/explain/healthy.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.explain.engine import judge
from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.observation import Outcome, TcpConnect, UdpExchange
from loopdiag.model.process import Process
from loopdiag.model.socket import Socket
from loopdiag.model.target import parse_target
from tests.unit.explain.healthy import case

if TYPE_CHECKING:
    from loopdiag.model.finding import Finding
    from loopdiag.model.observation import Observation, UnixConnect
    from loopdiag.model.socket import UnixSocket

PORT = 80
NODE = Process(pid=42, name="node", state="S", parent=7, parent_name="bash", descriptors=20, descriptor_limit=1024)
CAT = replace(NODE, pid=43, name="cat")


def listener(address: str = "127.0.0.1", **changed: Any) -> Socket:
    """A TCP listener of NODE, dual-stack where its address is `::`."""
    six = ":" in address
    families = ("ipv4", "ipv6") if address == "::" else ("ipv6",) if six else ("ipv4",)
    found = Socket(protocol="tcp", state="LISTEN", address=address, port=PORT, families=families, queue_limit=128,
                   inode=900, uid=1000, owners=(NODE,))  # fmt: skip
    return replace(found, **changed)


def udp(address: str = "127.0.0.1", **changed: Any) -> Socket:
    """A UDP socket of NODE."""
    return listener(address, protocol="udp", state="UNCONN", queue_limit=0, **changed)


def refused(address: str = "127.0.0.1") -> TcpConnect:
    return TcpConnect(
        address=address,
        port=PORT,
        outcome=Outcome.REFUSED,
        errno="ECONNREFUSED",
        seconds=0.0001,
        local="127.0.0.1:5000",
    )


def connected(address: str = "127.0.0.1") -> TcpConnect:
    return replace(refused(address), outcome=Outcome.CONNECTED, errno=None, peer=f"{address}:{PORT}")


def silent(address: str = "127.0.0.1") -> TcpConnect:
    return replace(refused(address), outcome=Outcome.TIMED_OUT, errno=None)


def datagram(outcome: Outcome = Outcome.REFUSED, address: str = "127.0.0.1", **changed: Any) -> UdpExchange:
    found = UdpExchange(address=address, port=PORT, outcome=outcome, local="127.0.0.1:5000")
    return replace(found, **changed)


def host(*seen: Observation, listeners: tuple[Socket, ...] = (), **changed: Any) -> Case:
    """All was read: these listeners, nothing in other namespaces, a filter that lets all pass."""
    facts = {"listeners": listeners, "sockets": listeners, "elsewhere": (), "unix_sockets": (), "filter_paths": ()}
    return case(*seen, **{**facts, **changed})


def unix(seen: UnixConnect, *there: UnixSocket) -> Case:
    """A UNIX socket as the target."""
    return Case("why", parse_target(f"unix:{seen.address}"), (seen,), Facts(unix_sockets=there))


def waiting(listener_: Socket) -> Socket:
    """The server's end of the probe's connection, not accepted."""
    return replace(listener_, state="ESTABLISHED", address="127.0.0.1", peer_address="127.0.0.1", peer_port=5000,
                   inode=0, owners=(), queue_limit=0)  # fmt: skip


def causes(of: Case) -> list[str]:
    """What was found, but for notes on the words typed."""
    return [found.cause for found in judge(of) if found.cause != "unspecified-destination"]


def first(of: Case) -> Finding:
    return judge(of)[0]
