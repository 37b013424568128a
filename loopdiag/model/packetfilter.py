"""The packet filter: what it holds, and what it does to one packet."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopdiag.model.unknown import Unknown


LAST_OF_HANDSHAKE = "last packet of the handshake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A packet as the hooks see it. `state` is conntrack's: new, established, related, invalid, untracked."""

    family: int  # 4 or 6
    protocol: str  # tcp, udp, icmp, icmpv6
    source: str
    destination: str
    source_port: int | None = None
    destination_port: int | None = None
    icmp_type: int | None = None
    tcp_flags: frozenset[str] = frozenset()
    input_device: str | None = None
    output_device: str | None = None
    state: str = "new"
    mark: int = 0
    uid: int | None = None  # of the sending socket
    gid: int | None = None
    length: int = 0  # of the IP packet, bytes
    ttl: int = 64
    answer: bool = False  # it is the answer to the probe's packet
    name: str = ""  # what it is called: SYN, SYN-ACK, RST, echo request, ...
    icmp_code: int | None = None
    unknown: frozenset[str] = frozenset()  # names of the fields above whose value cannot be known from outside

    @property
    def follows(self) -> bool:
        """It is sent only once a TCP connection stands at the client's end."""
        return self.protocol == "tcp" and (self.name == LAST_OF_HANDSHAKE or self.name.startswith("data"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRule:
    """A rule by what names it. `tool` is nft, iptables-legacy, ...; `packets` its counter."""

    tool: str
    family: str  # ip, ip6, inet, netdev, bridge, arp
    table: str
    chain: str
    handle: int | None
    position: int  # the place within its chain, from 1
    text: str
    expressions: tuple[Any, ...] = field(default=(), metadata={"json": False})  # as the tool's own JSON or words
    packets: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain. A base chain has a hook, a type, a numeric priority and a policy (accept or drop)."""

    tool: str
    family: str
    table: str
    name: str
    rules: tuple[FilterRule, ...]
    hook: str | None = None  # prerouting, input, forward, output, postrouting, ingress, egress
    type: str | None = None  # filter, nat, route
    priority: int | None = None
    policy: str | None = None
    devices: tuple[str, ...] = ()
    policy_packets: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReader:
    """An NFQUEUE number that a process has bound. `waiting` packets have not got their verdict yet."""

    number: int
    waiting: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """Everything that was read. `sets` holds nft's named sets, maps and objects by (family, table, name)."""

    chains: tuple[Chain, ...]
    sets: Mapping[tuple[str, str, str], Any]
    unread: tuple[Unknown, ...] = ()  # the parts (a tool, a table) that could not be read
    queues: tuple[QueueReader, ...] | Unknown = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterStep:
    """A rule (or policy) that decided something for the packet.

    `action` is drop, reject, queue, dnat, redirect, snat, masquerade, notrack, tproxy, or `undecided` where a match
    depends on what cannot be known from outside.
    """

    action: str
    rule: FilterRule | None  # None: the policy of `chain`
    chain: Chain = field(metadata={"json": False})
    hook: str
    detail: str = ""  # the reject kind, the nat's new address and port, the queue's number
    certain: bool = True
    depends_on: str = ""  # what an uncertain step depends on: a connection limit, a rate, chance, ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterPath:
    """One packet's way through the hooks: what was decided, and how it ends (`accept`, `drop`, `reject`, `queue`)."""

    packet: Packet
    verdict: str
    steps: tuple[FilterStep, ...]
    certain: bool  # no match on the way depended on something that cannot be known from outside
    rewritten: Packet | None = None  # the packet after nat
    of: str = ""  # the label of the observation whose packet this is
