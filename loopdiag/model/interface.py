"""Network interfaces and their addresses."""

from __future__ import annotations

from dataclasses import field

from loopdiag.model.value import dataclass


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address on an interface. `flags` are the kernel's names, lower case: tentative, dadfailed, deprecated, ..."""

    address: str  # without zone
    prefix: int
    scope: str  # host, link, site, global: rtnetlink(7)
    flags: tuple[str, ...] = ()
    peer: str | None = None
    means: str | None = None  # for reachability, in words; filled in where it is shown


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface. `up` is IFF_UP, `running` is IFF_RUNNING; `mtu` is in bytes; packet counts are since creation."""

    name: str
    index: int
    up: bool
    running: bool
    loopback: bool
    mtu: int
    qdisc: str | None
    addresses: tuple[InterfaceAddress, ...]
    kind: str | None = None  # veth, bridge, vrf, ...: IFLA_INFO_KIND
    master: str | None = None
    received: int | None = None
    sent: int | None = None
    dropped: int | None = None
    errors: int | None = None
    speed: int | None = None  # Mbit/s, where the driver tells
    flags: tuple[str, ...] = ()  # IFF_ names, lower case: netdevice(7)
    vrf_table: str | None = None  # of a vrf device: the routing table of its members
    # others may send to 127.0.0.0/8 through it: net.ipv4.conf.*.route_localnet
    route_localnet: bool = field(default=False, metadata={"json": False})
