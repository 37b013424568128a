"""Network interfaces by RTM_GETLINK: rtnetlink(7), netdevice(7), linux/if_link.h."""

from __future__ import annotations

import struct

from loopdiag.host.linux.netlink import ROUTE, attributes, dump, number, text
from loopdiag.model.value import dataclass

RTM_GETLINK = 18
IFINFO = struct.Struct("=BxHiII")
IFLA_IFNAME, IFLA_MTU, IFLA_QDISC, IFLA_MASTER, IFLA_LINKINFO, IFLA_STATS64 = 3, 4, 6, 10, 18, 23
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_VRF_TABLE = 1, 2, 1
IFLA_AF_SPEC, IFLA_INET_CONF, AF_INET = 26, 1, 2
IPV4_DEVCONF_ROUTE_LOCALNET = 26  # linux/ip.h; an array without an element 0
FLAGS = {
    0x1: "up", 0x2: "broadcast", 0x8: "loopback", 0x10: "pointopoint", 0x40: "running", 0x80: "noarp",
    0x100: "promisc", 0x200: "allmulti", 0x400: "master", 0x800: "slave", 0x1000: "multicast", 0x10000: "lower_up",
    0x20000: "dormant",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """One interface as the kernel tells it. `master` is an interface index; packet counts are since creation."""

    name: str
    index: int
    flags: tuple[str, ...]
    mtu: int
    qdisc: str | None
    kind: str | None
    master: int | None
    vrf_table: int | None
    received: int | None
    sent: int | None
    dropped: int | None
    route_localnet: bool = False


def read_links() -> list[Link]:
    """All interfaces of this network namespace. Raises OSError or ValueError, as netlink does."""
    return [parse_link(message) for message in dump(ROUTE, RTM_GETLINK, IFINFO.pack(0, 0, 0, 0, 0))]


def parse_link(message: bytes) -> Link:
    """One RTM_NEWLINK without its netlink header."""
    _, _, index, flags, _ = IFINFO.unpack_from(message)
    found = attributes(message, IFINFO.size)
    info = attributes(found.get(IFLA_LINKINFO, b""))
    kind = text(info[IFLA_INFO_KIND]) if IFLA_INFO_KIND in info else None
    table = attributes(info.get(IFLA_INFO_DATA, b"")).get(IFLA_VRF_TABLE) if kind == "vrf" else None
    received, sent, dropped = _packets(found.get(IFLA_STATS64, b""))
    return Link(
        name=text(found[IFLA_IFNAME]),
        index=index,
        flags=tuple(name for bit, name in FLAGS.items() if flags & bit),
        mtu=number(found[IFLA_MTU]),
        qdisc=text(found[IFLA_QDISC]) if IFLA_QDISC in found else None,
        kind=kind,
        master=number(found[IFLA_MASTER]) if IFLA_MASTER in found else None,
        vrf_table=number(table) if table else None,
        received=received,
        sent=sent,
        dropped=dropped,
        route_localnet=_route_localnet(found.get(IFLA_AF_SPEC, b"")),
    )


def _packets(stats: bytes) -> tuple[int | None, int | None, int | None]:
    """rx_packets, tx_packets, rx_dropped + tx_dropped of struct rtnl_link_stats64."""
    if len(stats) < 64:
        return None, None, None
    received, sent, _, _, _, _, lost_in, lost_out = struct.unpack_from("=8Q", stats)
    return received, sent, lost_in + lost_out


def _route_localnet(families: bytes) -> bool:
    """`net.ipv4.conf.IF.route_localnet`, which the message has among all settings of the interface."""
    settings = attributes(attributes(families).get(AF_INET, b"")).get(IFLA_INET_CONF, b"")
    at = 4 * (IPV4_DEVCONF_ROUTE_LOCALNET - 1)
    return len(settings) >= at + 4 and number(settings[at : at + 4]) != 0
