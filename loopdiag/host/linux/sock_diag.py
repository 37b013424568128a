"""TCP and UDP sockets of the calling thread's network namespace by SOCK_DIAG_BY_FAMILY: sock_diag(7).

Needs no privilege. The port is compared by the kernel itself (INET_DIAG_REQ_BYTECODE), so that asking for one port
stays cheap on a host with 100,000 connections.
"""

from __future__ import annotations

import socket
import struct
from functools import lru_cache

from loopdiag.host.linux.netlink import SOCK_DIAG, attribute, dump
from loopdiag.model.socket import Socket

SOCK_DIAG_BY_FAMILY = 20
REQUEST = struct.Struct("=BBBxI48x")  # struct inet_diag_req_v2 with an empty struct inet_diag_sockid
SOCKET_ID = struct.Struct("!HH16s16s")  # struct inet_diag_sockid up to its interface
NO_COOKIE = 0xFFFFFFFF  # INET_DIAG_NOCOOKIE: any socket will do
MESSAGE = struct.Struct("=BBxxHH16s16sIQxxxxIIII")  # struct inet_diag_msg; ports and addresses in network order
MESSAGE_SIZE = 72
INET_DIAG_REQ_BYTECODE, INET_DIAG_SKV6ONLY = 1, 11
BC_JMP, BC_S_EQ, BC_D_EQ = 1, 11, 12  # linux/inet_diag.h; S_EQ and D_EQ from Linux 4.16
PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
STATES = {
    1: "ESTABLISHED", 2: "SYN-SENT", 3: "SYN-RECV", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: "TIME-WAIT", 7: "UNCONN",
    8: "CLOSE-WAIT", 9: "LAST-ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN-RECV",
}  # fmt: skip
CLOSE, LISTEN = 7, 10
# TCP_BOUND_INACTIVE, a state for asking only, from Linux 6.8: bound, neither listening nor connected; told as CLOSE.
BOUND_INACTIVE = 13
ALL = 0xFFFFFFFF
LISTENING = {"tcp": 1 << LISTEN, "udp": 1 << CLOSE}
MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96
AF_INET = int(socket.AF_INET)  # comparing with the enum's member takes three times as long


def read_inet_sockets(protocol: str, *, port: int | None = None, states: int = ALL) -> list[Socket]:
    """The sockets of one protocol, both families; with `port` those that have it at either end.

    Raises OSError or ValueError, as netlink does.
    """
    devices: dict[int, str] = {}
    found = []
    for family in (socket.AF_INET, socket.AF_INET6):
        body = REQUEST.pack(family, PROTOCOLS[protocol], 0, states)
        for message in _dump(body, port):
            one = parse_socket(message, protocol, devices)
            if port is None or port in (one.port, one.peer_port):
                found.append(one)
    return found


def _dump(body: bytes, port: int | None) -> list[bytes]:
    if port is not None:
        try:
            return dump(SOCK_DIAG, SOCK_DIAG_BY_FAMILY, body + attribute(INET_DIAG_REQ_BYTECODE, either_port(port)))
        except OSError:
            pass  # a kernel without these operations: the caller compares
    return dump(SOCK_DIAG, SOCK_DIAG_BY_FAMILY, body)


def request_for(
    protocol: str, states: int, source: tuple[str, int] | None, destination: tuple[str, int] | None, interface: int = 0
) -> bytes:
    """A request without NLM_F_DUMP: for the one socket that the kernel finds by these ends, addresses without zone.

    An end that is None is the unspecified address with port 0, of the other's family.
    """
    named = source or destination
    assert named is not None
    family = socket.AF_INET6 if ":" in named[0] else socket.AF_INET
    (mine, my_port), (its, its_port) = (_packed(family, end) for end in (source, destination))
    ends = SOCKET_ID.pack(my_port, its_port, mine, its) + struct.pack("=III", interface, NO_COOKIE, NO_COOKIE)
    return struct.pack("=BBBxI", family, PROTOCOLS[protocol], 0, states) + ends


def _packed(family: int, end: tuple[str, int] | None) -> tuple[bytes, int]:
    return (socket.inet_pton(family, end[0]), end[1]) if end else (b"", 0)


def either_port(port: int) -> bytes:
    """The filter program `sport = port or dport = port`; each operation is code, yes, no: inet_diag_bc_run()."""
    return struct.pack("=BBHBBH BBH BBHBBH", BC_S_EQ, 8, 12, 0, 0, port, BC_JMP, 4, 12, BC_D_EQ, 8, 12, 0, 0, port)


def parse_socket(message: bytes, protocol: str, devices: dict[int, str]) -> Socket:
    """One struct inet_diag_msg with its attributes; `devices` remembers interface names by index."""
    family, number, port, peer_port, source, peer, index, cookie, queue, limit, uid, inode = MESSAGE.unpack_from(
        message
    )
    state = "BOUND" if number == CLOSE and protocol == "tcp" else STATES.get(number, str(number))
    return Socket(  # in the order of its fields: by keywords it takes twice as long
        protocol,
        state,
        _text(family, source),
        socket.ntohs(port),
        ("ipv4",) if family == AF_INET else _families(message, source),
        _text(family, peer) if peer_port else None,
        socket.ntohs(peer_port) if peer_port else None,
        _device(index, devices) if index else None,
        queue,
        limit if state == "LISTEN" else 0,
        uid,
        inode,
        cookie,
    )


def _families(message: bytes, source: bytes) -> tuple[str, ...]:
    """A wildcard IPv6 socket serves IPv4 too unless it is IPV6_V6ONLY, one bound to a mapped address IPv4: ipv6(7)."""
    if source.startswith(MAPPED):
        return ("ipv4",)
    if any(source):
        return ("ipv6",)
    return ("ipv6",) if _flag(message, INET_DIAG_SKV6ONLY) else ("ipv4", "ipv6")


def _flag(message: bytes, wanted: int) -> bool:
    at, end = MESSAGE_SIZE, len(message)
    while at + 4 < end:
        length, kind = struct.unpack_from("=HH", message, at)
        if kind == wanted:
            return message[at + 4] != 0
        at += max(4, (length + 3) & ~3)
    return False


@lru_cache(maxsize=1024)  # of 15,000 listeners most are on few addresses
def _text(family: int, raw: bytes) -> str:
    """An address as text; an IPv4-mapped one as the IPv4 address that it serves."""
    if family == AF_INET:
        return socket.inet_ntop(family, raw[:4])
    if raw.startswith(MAPPED):
        return socket.inet_ntop(socket.AF_INET, raw[12:])
    return socket.inet_ntop(family, raw)


def _device(index: int, devices: dict[int, str]) -> str:
    if index not in devices:
        try:
            devices[index] = socket.if_indextoname(index)
        except OSError:
            devices[index] = f"interface {index}, which is gone"
    return devices[index]
