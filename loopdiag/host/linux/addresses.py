"""Addresses of interfaces by RTM_GETADDR: rtnetlink(7), linux/if_addr.h."""

from __future__ import annotations

import struct

from loopdiag.host.linux.netlink import ROUTE, address, attributes, dump, number
from loopdiag.model.interface import InterfaceAddress

RTM_GETADDR = 22
IFADDRMSG = struct.Struct("=BBBBI")
IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS = 1, 2, 8
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
FLAGS = {
    0x01: "secondary", 0x02: "nodad", 0x04: "optimistic", 0x08: "dadfailed", 0x10: "home", 0x20: "deprecated",
    0x40: "tentative", 0x80: "permanent", 0x100: "mngtmpaddr", 0x200: "noprefixroute", 0x400: "autojoin",
    0x800: "stable-privacy",
}  # fmt: skip


def read_addresses() -> dict[int, list[InterfaceAddress]]:
    """All addresses by interface index, in the kernel's order. Raises OSError or ValueError, as netlink does."""
    found: dict[int, list[InterfaceAddress]] = {}
    for message in dump(ROUTE, RTM_GETADDR, IFADDRMSG.pack(0, 0, 0, 0, 0)):
        index, one = parse_address(message)
        found.setdefault(index, []).append(one)
    return found


def parse_address(message: bytes) -> tuple[int, InterfaceAddress]:
    """One RTM_NEWADDR without its netlink header, with its interface's index."""
    _, prefix, short_flags, scope, index = IFADDRMSG.unpack_from(message)
    found = attributes(message, IFADDRMSG.size)
    flags = number(found[IFA_FLAGS]) if IFA_FLAGS in found else short_flags
    # Where both are there, IFA_ADDRESS is the other end of a point-to-point link.
    own, other = found.get(IFA_LOCAL), found.get(IFA_ADDRESS)
    mine = address(own or other or b"")
    peer = address(other) if own and other and own != other else None
    named = tuple(_family_name(name, mine) for bit, name in FLAGS.items() if flags & bit)
    return index, InterfaceAddress(mine, prefix, SCOPES.get(scope, str(scope)), named, peer)


def _family_name(flag: str, mine: str) -> str:
    """0x01 is IFA_F_SECONDARY for IPv4 and IFA_F_TEMPORARY for IPv6."""
    return "temporary" if flag == "secondary" and ":" in mine else flag
