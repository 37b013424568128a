"""ICMP beside TCP and UDP, as they really crossed the interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip")


@pytest.fixture
def up(host: Host) -> Host:
    host.sh("ip link set lo up; echo '0 2147483647' >/proc/sys/net/ipv4/ping_group_range\n"
            "ip link add side type veth peer name far; ip addr add 10.64.0.1/24 dev side; ip link set side up\n"
            "ip link set far up")  # fmt: skip
    return host


def lanes(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {lane["name"]: lane for lane in report["comparison"]}


@pytest.mark.usefixtures("stamping")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.64.0.1"])
def test_four_ways_are_answered_and_cross_lo(up: Host, address: str) -> None:
    report = up.report("compare", address)
    ways = lanes(report)
    assert report["verdict"] == "works"
    assert list(ways) == ["ICMP raw", "ICMP datagram", "TCP", "UDP"]
    for way in ways.values():
        assert {packet["device"] for packet in way["packets"]} == {"lo"}
        assert 0 < way["kernel_seconds"] < way["seconds"]
    assert ways["ICMP raw"]["privilege"] == "CAP_NET_RAW"
    assert ways["TCP"]["socket"][1:] == ["SOCK_STREAM", "IPPROTO_TCP"]


def test_headers_are_told_byte_by_byte(up: Host) -> None:
    ways = lanes(up.report("compare", "127.0.0.1"))
    for name, size in {"ICMP raw": 8, "UDP": 8}.items():
        packet = ways[name]["packets"][0]
        assert [len(header["bytes"]) // 2 for header in packet["headers"]] == [14, 20, size]
        assert packet["length"] == 34 + size + packet["payload"]
    tcp = ways["TCP"]["packets"][0]["headers"][-1]
    fields = {field["name"]: field for field in tcp["fields"]}
    assert (fields["flags"]["value"], fields["flags"]["at"]) == ("S", 12)
    assert int(fields["dport"]["bytes"], 16) == int(fields["dport"]["value"])
    assert fields["options"]["at"] == 20
    for field in tcp["fields"]:
        assert tcp["bytes"][field["at"] * 2 :].startswith(field["bytes"])


def test_the_port_asked_for_is_asked(up: Host) -> None:
    up.python(
        "import socket\ns=socket.create_server(('127.0.0.1',7400))\nprint('on',flush=True)\nwhile True: s.accept()"
    )
    report = up.report("compare", "127.0.0.1:7400")
    assert report["verdict"] == "works"
    ways = lanes(report)
    assert ways["TCP"]["seen"]["to"] == "127.0.0.1:7400"
    assert ways["UDP"]["seen"]["errno"] == "ECONNREFUSED"
    assert ways["UDP"]["packets"][1]["headers"][-1]["layer"]


def test_without_privilege_what_is_left_is_compared(up: Host) -> None:
    report = up.report("compare", "127.0.0.1", user="nobody")
    ways = lanes(report)
    assert ways["ICMP raw"]["seen"]["errno"] == "EPERM"
    assert ways["ICMP datagram"]["seen"]["outcome"] == "replied"
    assert ways["TCP"]["packets"] is None
    assert any("CAP_NET_RAW" in gap["because"] for gap in report["unknown"])


def test_the_page_is_readable_at_80_columns(up: Host) -> None:
    for target in ("127.0.0.1", "::1"):
        text = up.loopdiag("compare", "-v", target).stdout
        assert max(map(len, text.splitlines())) <= 80
        assert "IPPROTO_UDP" in text


def test_scapy_leaves_nothing_behind(up: Host) -> None:
    home = up.folder / "home"
    home.mkdir()
    done = up.loopdiag("compare", "127.0.0.1", "--pcap", str(up.folder / "c.pcap"), env={"HOME": str(home)})
    assert done.returncode == 0, done.stderr
    assert list(home.iterdir()) == []
    assert (up.folder / "c.pcap").stat().st_size > 24
