"""A capture holds a probe's own packets and nothing else."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from loopdiag.probes.capture import Frame
from loopdiag.probes.ownframes import ICMP, ICMPV6, TCP, UDP, Mark, own_frames

PORTS = struct.pack("!HH", 40000, 80) + bytes(4)
ECHO = struct.pack("!BBHHH", 8, 0, 0, 77, 1)
ECHO6 = struct.pack("!BBHHH", 128, 0, 0, 78, 1)


def v4(protocol: int, payload: bytes, options: int = 0) -> bytes:
    head = bytes([0x45 + options]) + bytes(8) + bytes([protocol]) + bytes(10 + options * 4)
    return bytes(12) + b"\x08\x00" + head + payload


def v6(protocol: int, payload: bytes) -> bytes:
    return bytes(12) + b"\x86\xdd" + b"\x60" + bytes(5) + bytes([protocol]) + bytes(33) + payload


def own(data: bytes, mark: Mark) -> bool:
    return bool(own_frames([Frame(0, "lo", data, outgoing=True)], [mark]))


@pytest.mark.parametrize(
    ("data", "mark"),
    [
        (v4(TCP, PORTS), Mark(TCP, 40000, 80)),
        (v4(TCP, PORTS, options=2), Mark(TCP, 40000, 80)),
        (v4(TCP, struct.pack("!HH", 80, 40000) + bytes(4)), Mark(TCP, 40000, 80)),
        (v6(UDP, PORTS), Mark(UDP, 40000, 80)),
        (v6(0, bytes([UDP, 0]) + bytes(6) + PORTS), Mark(UDP, 40000, 80)),  # behind a hop-by-hop header
        (v4(ICMP, ECHO), Mark(ICMP, 77)),
        (v6(ICMPV6, ECHO6), Mark(ICMPV6, 78)),
        (v4(ICMP, bytes([3, 3]) + bytes(6) + v4(UDP, PORTS)[14:]), Mark(UDP, 40000, 80)),  # an error about it
        (v6(ICMPV6, bytes([1, 4]) + bytes(6) + v6(TCP, PORTS)[14:]), Mark(TCP, 40000, 80)),
    ],
)
def test_it_is_told_by_its_port_or_identifier(data: bytes, mark: Mark) -> None:
    assert own(data, mark)
    assert not own(data, replace(mark, number=mark.number + 1))
    assert not own(data, replace(mark, protocol=132))


def test_our_port_may_be_used_for_another_destination_too() -> None:
    stranger = struct.pack("!HH", 40000, 81) + bytes(4)
    frames = [Frame(at, "lo", v4(TCP, data), outgoing=True) for at, data in enumerate((stranger, PORTS))]
    assert [frame.at for frame in own_frames(frames, [Mark(TCP, 40000, 80)])] == [1]
    assert [frame.at for frame in own_frames(frames[:1], [Mark(TCP, 40000, 80)])] == [0]  # the port was translated


@pytest.mark.parametrize("cut", range(0, 50, 7))
def test_a_cut_or_foreign_frame_is_nobodys(cut: int) -> None:
    assert not own(v4(TCP, PORTS)[: min(cut, 40)], Mark(TCP, 40000, 80))
    assert not own(bytes(12) + b"\x08\x06" + bytes(cut), Mark(TCP, 40000, 80))
