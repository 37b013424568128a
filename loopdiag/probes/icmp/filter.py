"""Keep what is not meant for this probe out of a raw socket, in the kernel: icmp(7), raw(7), socket(7)."""

from __future__ import annotations

import socket
import struct
from array import array

from loopdiag.probes.icmp.packet import REPLY

SO_ATTACH_FILTER = 26  # asm-generic/socket.h
SOL_RAW, ICMP_FILTER = 255, 1  # linux/icmp.h: a bit that is set blocks that type
ICMP6_FILTER = 1  # linux/icmpv6.h: 256 bits, likewise

# linux/bpf_common.h: the class, size and mode of a classic instruction in one number
LOAD_HEADER_LENGTH = 0xB1  # ldx 4*([k]&0xf): past the IPv4 header
LOAD_BYTE, LOAD_HALF = 0x30, 0x28  # ld [k]
LOAD_BYTE_AT_X, LOAD_HALF_AT_X = 0x50, 0x48  # ld [x + k]
JUMP_IF_EQUAL, RETURN = 0x15, 0x06
EVERYTHING = 0xFFFFFFFF


def program(version: int, identifier: int) -> bytes:
    """The instructions: let an echo reply with our identifier through whole, and nothing else.

    A raw IPv4 socket is given the IP header too; a raw IPv6 socket begins at the ICMPv6 header (RFC 3542).
    """
    four = version == 4
    start = [_instruction(LOAD_HEADER_LENGTH, 0)] if four else []
    return b"".join([
        *start,
        _instruction(LOAD_BYTE_AT_X if four else LOAD_BYTE, 0),
        _instruction(JUMP_IF_EQUAL, REPLY[version], if_not=3),
        _instruction(LOAD_HALF_AT_X if four else LOAD_HALF, 4),
        _instruction(JUMP_IF_EQUAL, identifier, if_not=1),
        _instruction(RETURN, EVERYTHING),
        _instruction(RETURN, 0),
    ])  # fmt: skip


def _instruction(code: int, value: int, *, if_not: int = 0) -> bytes:
    return struct.pack("HBBI", code, 0, if_not, value)


def attach(raw: socket.socket, version: int, identifier: int) -> bool:
    """Install both filters; False where this kernel refuses (replies are matched in the process then, as always)."""
    code = program(version, identifier)
    held = array("B", code)
    try:
        raw.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(code) // 8, held.buffer_info()[0]))
        _only_replies(raw, version)
    except OSError:
        return False
    return True


def _only_replies(raw: socket.socket, version: int) -> None:
    if version == 4:
        raw.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", EVERYTHING & ~(1 << REPLY[4])))
        return
    blocked = [EVERYTHING] * 8
    blocked[REPLY[6] >> 5] &= ~(1 << (REPLY[6] & 31))
    raw.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("8I", *blocked))
