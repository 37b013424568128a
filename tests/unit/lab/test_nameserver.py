"""The lab's name server, asked by hand-made queries (RFC 1035)."""

from __future__ import annotations

import socket
import struct

from loopdiag.lab.nameserver import reply

KNOWN = {"shop.test": ["10.1.2.3", "fd00::1"]}
A, AAAA, MX = 1, 28, 15


def query(name: str, kind: int) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def read(answer: bytes) -> tuple[int, int]:
    """The response code, and the number of answers."""
    number, flags, _, count, _, _ = struct.unpack("!HHHHHH", answer[:12])
    assert number == 7
    assert flags & 0x8000
    return flags & 0xF, count


def test_an_address_of_each_family() -> None:
    four, six = reply(query("shop.test", A), KNOWN), reply(query("SHOP.test", AAAA), KNOWN)
    assert read(four) == read(six) == (0, 1)
    assert four.endswith(socket.inet_aton("10.1.2.3"))
    assert six.endswith(socket.inet_pton(socket.AF_INET6, "fd00::1"))


def test_a_name_that_does_not_exist() -> None:
    assert read(reply(query("other.test", A), KNOWN)) == (3, 0)


def test_a_name_without_that_kind_of_record() -> None:
    assert read(reply(query("shop.test", MX), KNOWN)) == (0, 0)


def test_a_broken_server() -> None:
    assert read(reply(query("shop.test", A), KNOWN, broken=True)) == (2, 0)
