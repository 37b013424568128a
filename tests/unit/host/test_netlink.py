"""Netlink messages, good and bad."""

from __future__ import annotations

import errno
import os
import struct

import pytest

from loopdiag.host.linux.addresses import parse_address
from loopdiag.host.linux.links import parse_link
from loopdiag.host.linux.netlink import NetlinkError, attribute, attributes, because, reading
from loopdiag.host.linux.routes import parse_route
from loopdiag.host.linux.rules import parse_rule
from loopdiag.model.unknown import Unknown


def test_attributes_are_padded_to_four_bytes_and_lose_their_flags() -> None:
    data = attribute(1 | 0x8000, b"abc") + attribute(2, b"")
    assert len(data) == 12
    assert attributes(data) == {1: b"abc", 2: b""}


@pytest.mark.parametrize("garbage", [b"", b"\0", b"\0\0\1\0", b"\xff\xff\1\0abcd", os.urandom(64)])
def test_cut_attributes_end_the_list(garbage: bytes) -> None:
    assert isinstance(attributes(garbage), dict)


@pytest.mark.parametrize("parse", [parse_link, parse_address, parse_route, parse_rule])
@pytest.mark.parametrize("garbage", [b"", b"\2", b"\xff" * 16, b"\0" * 12])
def test_a_garbled_message_is_unknown_and_no_crash(parse, garbage: bytes) -> None:  # type: ignore[no-untyped-def]
    found = reading("it", lambda: parse(garbage))
    assert isinstance(found, Unknown) or found is not None


def test_a_refusal_names_the_right_that_would_settle_it() -> None:
    def refuse() -> None:
        raise NetlinkError(errno.EPERM, "no")

    found = reading("routes", refuse)
    assert isinstance(found, Unknown)
    assert "ask as root" in found.because
    assert "not available" in because(OSError(errno.EAFNOSUPPORT, "no"))
    assert "3 s" in because(TimeoutError())


def test_a_rule_is_written_as_ip_rule_writes_it() -> None:
    header = struct.pack("=BBBBBBBBI", 2, 32, 24, 0, 0, 0, 0, 1, 2)
    message = header + b"".join(
        [
            attribute(6, struct.pack("=I", 700)),  # FRA_PRIORITY
            attribute(1, bytes([10, 0, 0, 5])),  # FRA_DST
            attribute(2, bytes([192, 0, 2, 0])),  # FRA_SRC
            attribute(10, struct.pack("=I", 7)),  # FRA_FWMARK
            attribute(16, struct.pack("=I", 15)),  # FRA_FWMASK
            attribute(20, struct.pack("=II", 0, 99)),  # FRA_UID_RANGE
            attribute(22, b"\6"),  # FRA_IP_PROTO
            attribute(24, struct.pack("=HH", 80, 90)),  # FRA_DPORT_RANGE
            attribute(15, struct.pack("=I", 123)),  # FRA_TABLE
        ]
    )
    rule = parse_rule(message)
    assert rule.text == (
        "700: not from 192.0.2.0/24 to 10.0.0.5 fwmark 0x7/0xf uidrange 0-99 ipproto tcp dport 80-90 lookup 123"
    )
    assert rule.inverted
    assert (rule.users, rule.destination_ports) == ((0, 99), (80, 90))


def test_of_several_next_hops_the_first_is_told() -> None:
    header = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 0, 0, 1, 0)
    gateway = attribute(5, bytes([192, 0, 2, 1]))
    hops = b"".join(struct.pack("=HBBi", 8 + len(gateway), 0, 0, 4000 + n) + gateway for n in range(2))
    route = parse_route(header + attribute(9, hops))
    assert (route.destination, route.device, route.gateway) == ("0.0.0.0/0", "4000", "192.0.2.1")
