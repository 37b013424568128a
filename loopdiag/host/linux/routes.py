"""Routes by RTM_GETROUTE: rtnetlink(7), ip-route(8), linux/rtnetlink.h."""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING

from loopdiag.host.linux.netlink import ROUTE, NetlinkError, address, attribute, attributes, dump, number, reading
from loopdiag.host.linux.rules import TABLES, table_name
from loopdiag.model.route import Route

if TYPE_CHECKING:
    from loopdiag.model.unknown import Unknown

RTM_GETROUTE = 26
RTMSG = struct.Struct("=BBBBBBBBI")
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_MULTIPATH, RTA_TABLE, RTA_VIA = 1, 4, 5, 6, 7, 9, 15, 18
RTM_F_CLONED, RTNH_F_DEAD = 0x200, 0x1
TYPES = {
    1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable",
    8: "prohibit", 9: "throw", 10: "nat",
}  # fmt: skip
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
FAMILIES = (socket.AF_INET, socket.AF_INET6)


def read_local_table() -> tuple[Route, ...] | Unknown:
    """The whole table `local` of both IP versions: what this host takes for its own."""
    return read_table("local")


def read_table(table: str) -> tuple[Route, ...] | Unknown:
    """One routing table by name or number, IPv4 first. A table that nobody filled is empty. Needs no privilege."""
    return reading(f"routing table {table}", lambda: tuple(one for family in FAMILIES for one in _table(table, family)))


def _table(table: str, family: int) -> list[Route]:
    wanted = next((number for number, name in TABLES.items() if name == table), None) or int(table)
    body = RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0) + attribute(RTA_TABLE, struct.pack("=I", wanted))
    try:
        answers = dump(ROUTE, RTM_GETROUTE, body, strict=True)
    except NetlinkError as fault:
        if fault.errno in (errno.ENOENT, errno.EAFNOSUPPORT, errno.EOPNOTSUPP):
            return []  # no such table, or a kernel without IPv6
        raise
    found = [parse_route(message) for message in answers if alive(message)]
    return [route for route in found if route.table == table_name(wanted)]


def alive(message: bytes) -> bool:
    """Not a copy in a cache, and with a next hop that is not dead."""
    return not RTMSG.unpack_from(message)[8] & (RTM_F_CLONED | RTNH_F_DEAD)


def parse_route(message: bytes) -> Route:
    """One RTM_NEWROUTE without its netlink header."""
    family, bits, _, _, table, _, scope, kind, _ = RTMSG.unpack_from(message)
    found = attributes(message, RTMSG.size)
    everything = "::" if family == socket.AF_INET6 else "0.0.0.0"
    index, gateway = _next_hop(found)
    return Route(
        destination=f"{address(found[RTA_DST]) if RTA_DST in found else everything}/{bits}",
        table=table_name(number(found[RTA_TABLE]) if RTA_TABLE in found else table),
        type=TYPES.get(kind, str(kind)),
        device=device_name(index) if index else None,
        source=address(found[RTA_PREFSRC]) if RTA_PREFSRC in found else None,
        gateway=gateway,
        metric=number(found[RTA_PRIORITY]) if RTA_PRIORITY in found else None,
        scope=SCOPES.get(scope, str(scope)),
    )


def _next_hop(found: dict[int, bytes]) -> tuple[int | None, str | None]:
    """Device index and gateway; of several next hops the first."""
    if RTA_MULTIPATH in found and RTA_OIF not in found:
        index = struct.unpack_from("=i", found[RTA_MULTIPATH], 4)[0]
        length = struct.unpack_from("=H", found[RTA_MULTIPATH])[0]
        hop = attributes(found[RTA_MULTIPATH][:length], 8)
        return index, _gateway(hop)
    return number(found[RTA_OIF]) if RTA_OIF in found else None, _gateway(found)


def _gateway(found: dict[int, bytes]) -> str | None:
    if RTA_VIA in found:  # a gateway of the other IP version: family, then the address
        return address(found[RTA_VIA][2:])
    return address(found[RTA_GATEWAY]) if RTA_GATEWAY in found else None


def device_name(index: int) -> str:
    """An interface's name by its index; the index itself where it is gone meanwhile."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return str(index)
