"""Interfaces as psutil sees them: all of it on platforms without a reader of their own, link details everywhere."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from loopdiag.model.interface import Interface, InterfaceAddress
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

FAMILIES = (socket.AF_INET, socket.AF_INET6)


def read_interfaces() -> tuple[Interface, ...] | Unknown:
    """All interfaces with their state, MTU, addresses and packet counts; what psutil does not tell is None."""
    import psutil

    try:
        addresses, states = psutil.net_if_addrs(), psutil.net_if_stats()
    except (OSError, psutil.Error) as fault:
        return Unknown("network interfaces", f"psutil could not read them: {fault}")
    try:
        counts: Mapping[str, Any] = psutil.net_io_counters(pernic=True)
    except (OSError, psutil.Error):
        counts = {}
    return tuple(
        _interface(name, states.get(name), addresses.get(name, ()), counts.get(name))
        for name in dict.fromkeys((*states, *addresses))
    )


def with_link_details(interfaces: Sequence[Interface]) -> tuple[Interface, ...]:
    """The interfaces with what psutil knows beyond netlink: counted errors, and the speed of the link.

    Unchanged where psutil could not read this host. It looks at the network namespace of the process's main thread.
    """
    import psutil

    try:
        states, counts = psutil.net_if_stats(), psutil.net_io_counters(pernic=True)
    except (OSError, psutil.Error):
        return tuple(interfaces)
    return tuple(_detailed(one, states.get(one.name), counts.get(one.name)) for one in interfaces)


def _detailed(one: Interface, state: Any, count: Any) -> Interface:
    return replace(
        one,
        errors=count.errin + count.errout if count else None,
        speed=state.speed if state and 0 < state.speed < 65535 else None,  # 65535 stands for unknown: ethtool(8)
    )


def _interface(name: str, state: Any, addresses: Iterable[Any], counts: Any) -> Interface:
    flags = tuple(flag for flag in str(getattr(state, "flags", "")).split(",") if flag)
    held = tuple(_address(one) for one in addresses if one.family in FAMILIES)
    up = bool(state and state.isup)
    return Interface(
        name=name,
        index=_index(name),
        up="up" in flags if flags else up,
        running="running" in flags if flags else up,
        loopback="loopback" in flags or any(ip_address(one.address).is_loopback for one in held),
        mtu=state.mtu if state else 0,
        qdisc=None,
        addresses=held,
        received=counts.packets_recv if counts else None,
        sent=counts.packets_sent if counts else None,
        dropped=counts.dropin + counts.dropout if counts else None,
        errors=counts.errin + counts.errout if counts else None,
        flags=flags,
    )


def _address(one: Any) -> InterfaceAddress:
    bare = one.address.partition("%")[0]
    ip = ip_address(bare)
    scope = "host" if ip.is_loopback else "link" if ip.is_link_local else "global"
    return InterfaceAddress(str(ip), _prefix(one.netmask, ip.max_prefixlen), scope)


def _prefix(netmask: str | None, whole: int) -> int:
    """A prefix length from 255.0.0.0, ffff:ffff:: or the like; the whole address where there is none."""
    if not netmask:
        return whole
    return int(ip_address(netmask.partition("/")[0])).bit_count()


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0
