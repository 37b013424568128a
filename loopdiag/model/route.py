"""Routes, policy rules, and the kernel's own answer to a route question."""

from __future__ import annotations

from dataclasses import field

from loopdiag.model.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """One line of `ip rule`. What the rule does not match on is None; `action` is lookup, unreachable, ..."""

    priority: int
    action: str  # lookup, goto, nop, blackhole, unreachable, prohibit
    table: str | None
    text: str  # as `ip rule` writes it
    source: str | None = field(default=None, metadata={"json": "from"})  # prefix
    destination: str | None = None  # prefix
    input_device: str | None = None
    output_device: str | None = None
    mark: int | None = None
    mask: int | None = None
    inverted: bool = False
    other: tuple[str, ...] = ()  # selectors beyond these (uidrange, ipproto, dport, tos...), as text
    family: str = "ipv4"  # ipv4, ipv6: each has rules of its own
    users: tuple[int, int] | None = None  # uidrange, both ends included
    protocol: str | None = None  # ipproto: tcp, udp, icmp, or a number
    source_ports: tuple[int, int] | None = None
    destination_ports: tuple[int, int] | None = None
    tos: int | None = None
    suppress_prefix: int | None = None  # a route whose prefix is no longer than this does not count
    l3mdev: bool = False  # matches packets of a vrf's members, in the table of that vrf
    goto: int | None = None  # the priority to go on at


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. `type` is local, unicast, broadcast, blackhole, unreachable, prohibit, throw, ...: rtnetlink(7)."""

    destination: str  # prefix
    table: str
    type: str
    device: str | None = None
    source: str | None = None  # the preferred source address
    gateway: str | None = None
    metric: int | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAnswer:
    """What the kernel said to one RTM_GETROUTE.

    `question` is how `ip route get` would ask it. Where the kernel refused, `errno` is set and `type` says which
    kind of route or rule that errno stands for, if it tells.
    """

    destination: str
    question: str
    rule: PolicyRule | None = None
    table: str | None = None
    type: str | None = None
    device: str | None = None
    source: str | None = None
    gateway: str | None = None
    matched: str | None = None  # the prefix of the route that matched
    errno: str | None = None
    asked_from: str | None = None
    input_device: str | None = None
    mark: int | None = None
    through: str | None = None  # the device that packets really cross: lo for an own address, whatever the route names
    rule_rejects: bool = False  # the rule itself (unreachable, blackhole, prohibit) gave `errno`, not a route
    protocol: str | None = None  # asked with this ipproto, ...
    port: int | None = None  # ... this destination port
    user: int | None = None  # ... and for this user
    output_device: str | None = None
    way: str = "there"  # there; back: of the answer; reverse: as rp_filter asks; what-if: of a packet nobody sent
    about: str | None = None  # the address that was probed, where it is not the destination
    # a goto rule that led past others to `rule`
    jump: PolicyRule | None = field(default=None, metadata={"json": False})
