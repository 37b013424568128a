"""`--trace` and `--pcap` on the commands that probe."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip")

ASKED = [
    ["ping", "-c", "2", "-i", "0.2", "127.0.0.1"],
    ["why", "127.0.0.1"],
    ["why", "127.0.0.1:4107"],
    ["connect", "127.0.0.1:4107"],
]


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_the_journey_is_attached(host: Host, words: list[str]) -> None:
    host.sh("ip link set lo up")
    journey = host.report(*words, "--trace")["journey"]
    assert {"net_dev_queue", "netif_rx", "netif_receive_skb"} <= {step["event"] for step in journey}
    assert {step["device"] for step in journey if step["device"]} == {"lo"}


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_the_packets_of_the_probe_are_written_and_nothing_else(host: Host, tmp_path: Path, words: list[str]) -> None:
    from loopdiag.probes.scapy_layers import ethernet

    host.sh("ip link set lo up")
    host.python("import socket, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nprint('r', flush=True)\n"
                "for _ in range(500): s.sendto(b'noise', ('127.0.0.1', 4199)); time.sleep(0.005)")  # fmt: skip
    file = tmp_path / "probe.pcap"
    report = host.report(*words, "--pcap", str(file))
    ethernet()
    from scapy.utils import rdpcap

    packets = rdpcap(str(file))
    assert len(packets) == report["pcap"]["packets"] > 0
    assert not [packet for packet in packets if b"noise" in bytes(packet)]


def test_without_the_right_it_is_named_and_the_rest_goes_on(host: Host) -> None:
    host.sh("ip link set lo up; sysctl -qw net.ipv4.ping_group_range='0 2147483647'")
    done = host.loopdiag("ping", "-c", "1", "127.0.0.1", "--trace", "--json", user="nobody")
    report = json.loads(done.stdout)
    assert report["verdict"] == "works"
    assert any("CAP_SYS_ADMIN" in gap["because"] for gap in report["unknown"])


def test_a_file_that_cannot_be_written_is_said_before_anything_is_sent(host: Host) -> None:
    done = host.loopdiag("ping", "-c", "1", "127.0.0.1", "--pcap", "/nonexistent/x.pcap")
    assert done.returncode == 2
    assert done.stdout == ""
