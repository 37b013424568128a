"""Interfaces with their addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.host.linux.addresses import read_addresses
from loopdiag.host.linux.links import read_links
from loopdiag.host.linux.netlink import reading
from loopdiag.model.interface import Interface

if TYPE_CHECKING:
    from loopdiag.model.unknown import Unknown
_ALL = "/proc/sys/net/ipv4/conf/all/route_localnet"


def read_interfaces() -> tuple[Interface, ...] | Unknown:
    """All interfaces of this network namespace, lo first as the kernel lists it. Needs no privilege."""
    return reading("network interfaces", _read)


def _read() -> tuple[Interface, ...]:
    links, addresses = read_links(), read_addresses()
    names = {link.index: link.name for link in links}
    everywhere = _localnet_everywhere()
    return tuple(
        Interface(
            name=link.name,
            index=link.index,
            up="up" in link.flags,
            running="running" in link.flags,
            loopback="loopback" in link.flags,
            mtu=link.mtu,
            qdisc=link.qdisc,
            addresses=tuple(addresses.get(link.index, ())),
            kind=link.kind,
            master=names.get(link.master) if link.master else None,
            received=link.received,
            sent=link.sent,
            dropped=link.dropped,
            flags=link.flags,
            route_localnet=link.route_localnet or everywhere,
            vrf_table=str(link.vrf_table) if link.vrf_table else None,
        )
        for link in links
    )


def _localnet_everywhere() -> bool:
    """The setting of `all`, which counts beside that of each interface: IN_DEV_ROUTE_LOCALNET() of Linux."""
    try:
        with open(_ALL) as file:  # noqa: PTH123 - pathlib takes 3 ms to load
            return file.read().strip() not in ("", "0")
    except OSError:
        return False  # no /proc/sys here
