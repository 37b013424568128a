"""ping on hosts of the test's own: what it counts, sends and says, against independent witnesses."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.host import PROJECT, Host

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.needs("root", "ip")

# The closing lines, as scripts read them from either ping.
COUNTS = re.compile(r"(\d+) packets transmitted, (\d+) received, (?:\+\d+ \w+, )*([\d.]+)% packet loss, time \d+ms")
TIMES = re.compile(r"^rtt min/avg/max/mdev = [\d.]+/[\d.]+/[\d.]+/[\d.]+ ms", re.MULTILINE)


@pytest.fixture
def lo(host: Host) -> Iterator[Host]:
    """A host that has nothing but lo."""
    host.sh("ip link set lo up")
    return host  # type: ignore[return-value]


def findings(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found["cause"], found["certainty"]) for found in report["findings"]]


@pytest.mark.usefixtures("stamping")
@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "127.1", "0x7f000002"])
def test_unplugged(lo: Host, address: str) -> None:
    report = lo.report("ping", "-c", "2", "-i", "0.01", address)
    counts = report["statistics"]
    assert (report["verdict"], report["findings"]) == ("works", [])
    assert (counts["transmitted"], counts["received"], counts["loss"]) == (2, 2, 0)
    assert report["packets"] == {"lo": 4}
    assert report["facts"]["route"]["table"] == "local"
    assert "only interface there is" in report["explanation"]
    for seen in report["observations"]:
        assert (seen["kind"], seen["outcome"], seen["socket_type"]) == ("icmp-echo", "replied", "raw")
        assert 0 < seen["kernel_seconds"] < seen["seconds"] < 1


def test_an_own_address_crosses_lo(lo: Host) -> None:
    lo.sh("ip link add up0 type veth peer name up1; ip addr add 198.18.1.5/24 dev up0; "
          "ip link set up0 up; ip link set up1 up")  # fmt: skip
    report = lo.report("ping", "-c", "3", "-i", "0.01", "198.18.1.5")
    assert report["facts"]["route"]["device"] == "up0"
    assert report["packets"]["lo"] >= 6
    assert [seen["from"] for seen in report["observations"]] == ["198.18.1.5"] * 3
    assert "The route names up0" in report["explanation"]


@pytest.mark.usefixtures("stamping")
def test_an_ordinary_user_pings_by_a_datagram_socket(lo: Host) -> None:
    lo.sh("echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range")
    for address in ("127.0.0.1", "::1"):
        report = lo.report("ping", "-c", "1", address, user="nobody")
        (seen,) = report["observations"]
        assert (seen["outcome"], seen["socket_type"], seen["ttl"]) == ("replied", "datagram", 64)
        assert report["statistics"]["kernel_rtt"]["avg"] > 0
    shown = lo.loopdiag("ping", "-c", "1", "127.0.0.1", user="nobody").stdout
    assert "datagram ICMP socket" in shown


def test_an_ordinary_user_may_not_flood(lo: Host) -> None:
    lo.sh("echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range")
    done = lo.loopdiag("ping", "-f", "-c", "1", "127.0.0.1", user="nobody")
    assert done.returncode == 2
    assert "minimal interval allowed for user is 2ms" in done.stderr


def test_no_socket_at_all(lo: Host) -> None:
    lo.sh("echo 1 0 > /proc/sys/net/ipv4/ping_group_range")
    for address in ("127.0.0.1", "::1"):
        report = lo.report("ping", "-c", "1", address, user="nobody")
        assert findings(report)[0] == ("icmp-not-permitted", "proven")
        assert report["verdict"] == "broken"
        assert report["statistics"]["transmitted"] == 0


@pytest.mark.parametrize(
    ("address", "setting"),
    [("127.0.0.1", "ipv4/icmp_echo_ignore_all"), ("::1", "ipv6/icmp/echo_ignore_all"), ("127.255.255.255", "")],
)
def test_the_kernel_ignores_echo_requests(lo: Host, address: str, setting: str) -> None:
    if setting:
        lo.sh(f"echo 1 > /proc/sys/net/{setting}")
    report = lo.report("ping", "-c", "2", "-i", "0.01", "-W", "0.3", address)
    assert ("echo-ignored", "proven") in findings(report)
    assert report["verdict"] == "broken"
    assert report["seconds"] < 10


@pytest.mark.needs("nft", "ping")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_counts_under_loss_are_those_of_iputils(lo: Host, address: str) -> None:
    """The same rule for both; the rule's own counter says what was lost."""
    kind = "icmpv6" if ":" in address else "icmp"
    lo.sh("nft add table inet loss; nft add chain inet loss arriving '{ type filter hook input priority 0; }'; "
          f"nft add rule inet loss arriving {kind} type echo-request numgen random mod 10 '<' 2 counter drop"
          )  # fmt: skip
    words = ("-f", "-c", "400", "-W", "0.2", address)
    for tool in ("ping", "loopdiag"):
        before = _dropped(lo)
        text = lo.sh(f"ping {' '.join(words)} || true") if tool == "ping" else lo.loopdiag("ping", *words).stdout
        found = COUNTS.search(text)
        assert found, text
        lost = _dropped(lo) - before
        assert (int(found[1]), int(found[2])) == (400, 400 - lost)
        assert float(found[3]) == pytest.approx(lost / 4)
        assert TIMES.search(text)
        assert 30 < lost < 150
    report = lo.report("ping", "-f", "-c", "200", "-W", "0.2", address)
    assert report["verdict"] == "degraded"


def _dropped(host: Host) -> int:
    listing = json.loads(host.sh("nft -j list table inet loss"))
    rules = [entry["rule"] for entry in listing["nftables"] if "rule" in entry]
    return next(int(part["counter"]["packets"]) for part in rules[0]["expr"] if "counter" in part)


@pytest.mark.needs("nft")
def test_a_refused_send_is_told_and_settles_the_request(lo: Host) -> None:
    lo.sh("nft add table inet wall; nft add chain inet wall leaving '{ type filter hook output priority 0; }'; "
          "nft add rule inet wall leaving icmp type echo-request drop")  # fmt: skip
    report = lo.report("ping", "-c", "3", "-i", "0.01", "-W", "5", "127.0.0.1")
    assert report["seconds"] < 10
    assert {(seen["outcome"], seen["errno"], seen["failed_call"]) for seen in report["observations"]} == {
        ("denied", "EPERM", "sendto")
    }
    assert (report["statistics"]["transmitted"], report["statistics"]["send_failures"]) == (3, 3)


@pytest.mark.needs("nft")
def test_an_icmp_error_has_its_sender(lo: Host) -> None:
    lo.sh("nft add table inet wall; nft add chain inet wall arriving '{ type filter hook input priority 0; }'; "
          "nft add rule inet wall arriving icmp type echo-request reject with icmp host-unreachable")  # fmt: skip
    report = lo.report("ping", "-c", "2", "-i", "0.01", "-W", "5", "127.0.0.9")
    counts = report["statistics"]
    assert report["seconds"] < 10
    assert (counts["received"], counts["errors"]) == (0, 2)
    for seen in report["observations"]:
        assert (seen["outcome"], seen["errno"]) == ("unreachable", "EHOSTUNREACH")
        assert (seen["error"], seen["error_from"]) == ("Destination Host Unreachable", "127.0.0.9")
    shown = lo.loopdiag("ping", "-c", "1", "127.0.0.9")
    assert shown.returncode == 1
    assert "From 127.0.0.9 icmp_seq=1 Destination Host Unreachable" in shown.stdout
    assert "1 packets transmitted, 0 received, +1 errors, 100% packet loss" in shown.stdout


RESPONDER = """
import socket, struct, threading
def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
def reply(request, identifier=None, data=None, spoil=0):
    kept = struct.unpack_from("!HH", request, 4)
    bare = struct.pack("!BBHHH", 0, 0, 0, identifier or kept[0], kept[1]) + (request[8:] if data is None else data)
    return bare[:2] + struct.pack("!H", checksum(bare) ^ spoil) + bare[4:]
asked = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
away = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
away.bind(("127.0.0.77", 0))
send = lambda packet: asked.sendto(packet, ("127.0.0.1", 0))
print("ready", flush=True)
held = None
while True:
    packet = asked.recv(2000)
    request = packet[(packet[0] & 15) * 4:]
    if request[0] != 8:
        continue
    number = struct.unpack_from("!H", request, 6)[0]
    if number == 1:
        threading.Timer(0.8, send, (reply(request),)).start()
    elif number == 2:
        send(reply(request)); send(reply(request))
    elif number == 3:
        send(reply(request, spoil=0x1000))
    elif number == 4:
        send(reply(request, data=request[8:20] + b"!" + request[21:]))
    elif number == 5:
        held = reply(request)
    elif number == 6:
        send(reply(request)); send(held)
    elif number == 7:
        error = struct.pack("!BBHI", 3, 13, 0, 0) + packet[:28]
        away.sendto(error[:2] + struct.pack("!H", checksum(error)) + error[4:], ("127.0.0.1", 0))
    elif number == 8:
        send(reply(request, identifier=struct.unpack_from("!H", request, 4)[0] ^ 1)); send(reply(request))
"""


def test_every_kind_of_reply_is_counted_for_what_it_is(lo: Host) -> None:
    lo.sh("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")
    lo.python(RESPONDER)
    report = lo.report("ping", "-c", "9", "-i", "0.2", "-W", "0.6", "127.0.0.1")
    counts = report["statistics"]
    by_number = {seen["sequence"]: seen for seen in report["observations"]}
    assert by_number[1]["late"]
    assert by_number[2]["duplicates"] == 1
    assert (by_number[3]["outcome"], by_number[3]["damage"]) == ("timed-out", "wrong checksum")
    assert by_number[4]["damage"].startswith("wrong data byte #12 should be 0xc but was 0x21")
    assert (by_number[5]["reordered"], by_number[6]["reordered"]) == (True, False)
    assert (by_number[7]["error"], by_number[7]["error_from"]) == ("Packet filtered", "127.0.0.77")
    assert by_number[8]["outcome"] == "replied"
    assert by_number[9]["outcome"] == "timed-out"
    assert counts["transmitted"] == 9
    assert counts["received"] == 6
    assert (counts["duplicates"], counts["corrupted"], counts["errors"], counts["late"]) == (1, 2, 1, 1)
    assert counts["reordered"] == 2  # the fifth, and the first, which was late


def test_a_reply_from_elsewhere_is_marked(lo: Host) -> None:
    lo.sh("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")
    lo.python(RESPONDER.replace("threading.Timer(0.8, send, (reply(request),)).start()",
                                "away.sendto(reply(request), ('127.0.0.1', 0))"))  # fmt: skip
    shown = lo.loopdiag("ping", "-c", "1", "127.0.0.1").stdout
    assert "64 bytes from 127.0.0.77: icmp_seq=1 ttl=64" in shown
    assert "(DIFFERENT ADDRESS!)" in shown


def test_scapy_sees_the_packets_that_were_asked_for(lo: Host) -> None:
    """An independent witness reads what crossed lo."""
    words = ("-c", "2", "-i", "0.01", "-s", "100", "-p", "ab01", "-t", "9", "-Q", "0x10", "-M", "do", "127.0.0.3")
    frames = _crossing(lo, words)
    from scapy.layers.inet import ICMP, IP
    from scapy.layers.l2 import Ether

    requests = [packet for packet in map(Ether, frames) if ICMP in packet and packet[ICMP].type == 8]
    assert [packet[ICMP].seq for packet in requests] == [1, 2]
    for packet in requests:
        ip, icmp = packet[IP], packet[ICMP]
        assert (ip.dst, ip.ttl, ip.tos, ip.flags.DF) == ("127.0.0.3", 9, 0x10, True)
        assert bytes(icmp.payload) == b"\xab\x01" * 50
        given, icmp.chksum = icmp.chksum, None
        assert ICMP(bytes(icmp)).chksum == given


def _crossing(host: Host, words: tuple[str, ...]) -> list[bytes]:
    """The frames on lo while ping runs; each crosses once as it leaves and once as it comes in."""
    tap = host.call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)))
    with tap:
        tap.bind(("lo", 0x0800))
        assert host.loopdiag("ping", *words).returncode == 0
        tap.setblocking(False)
        frames: list[bytes] = []
        while True:
            try:
                frame, (_, _, kind, _, _) = tap.recvfrom(2000)
            except BlockingIOError:
                return frames
            if kind != socket.PACKET_OUTGOING:
                frames.append(frame)


def test_other_pings_are_kept_out(lo: Host) -> None:
    """Two at once on one host, each counts its own replies only."""
    command = lo.command(sys.executable, "-m", "loopdiag", "ping", "-c", "300", "-f", "--json", "127.0.0.1")
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT) for _ in range(2)]
    for process in both:
        with process:
            counts = json.loads(process.communicate(timeout=60)[0])["statistics"]
            assert (counts["transmitted"], counts["received"], counts["duplicates"]) == (300, 300, 0)


def test_too_long_for_the_interface(lo: Host) -> None:
    lo.sh("ip link set lo mtu 1500")
    report = lo.report("ping", "-c", "1", "-s", "2000", "-M", "do", "127.0.0.1")
    (seen,) = report["observations"]
    assert (seen["outcome"], seen["errno"], seen["error"]) == ("failed", "EMSGSIZE", "message too long, mtu=1500")
    assert report["statistics"]["errors"] == 1
    whole = lo.report("ping", "-c", "1", "-s", "2000", "127.0.0.1")
    assert whole["verdict"] == "works"


def test_a_name_goes_on_to_the_address_that_can_be_sent_to(lo: Host) -> None:
    lo.file("/etc/hosts", "192.0.2.44 twofold\n127.0.0.8 twofold\n")
    report = lo.report("ping", "-c", "1", "twofold")
    assert {seen["to"]: seen["outcome"] for seen in report["observations"]} == {
        "127.0.0.8": "replied", **({"192.0.2.44": "unreachable"} if len(report["observations"]) > 1 else {})
    }  # fmt: skip
    assert report["statistics"]["received"] == 1


def test_fewer_answers_than_asked_for_by_the_deadline(lo: Host) -> None:
    lo.sh("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")
    assert lo.loopdiag("ping", "-c", "2", "-w", "0.3", "127.0.0.1").returncode == 1
    lo.sh("echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_all")
    assert lo.loopdiag("ping", "-c", "2", "-i", "0.01", "-w", "5", "127.0.0.1").returncode == 0
    assert lo.loopdiag("ping", "-c", "9", "-i", "0.2", "-w", "0.5", "127.0.0.1").returncode == 1


def test_a_flood_leaves_out_observations_and_says_so(lo: Host) -> None:
    report = lo.report("ping", "-f", "-c", "1500", "127.0.0.1")
    assert report["statistics"]["received"] == 1500
    assert len(report["observations"]) == 1000
    assert report["observations_left_out"] == 500


@pytest.mark.needs("nft")
def test_what_is_lost_after_some_replies_is_told(lo: Host) -> None:
    lo.sh("nft add table inet fence; nft add chain inet fence arriving '{ type filter hook input priority 0; }'")
    lo.sh("nft add rule inet fence arriving icmp type echo-request limit rate over 1/hour burst 2 packets drop")
    report = lo.report("ping", "-c", "4", "-i", "0.02", "127.0.0.1")
    assert [one["outcome"] for one in report["observations"]] == ["replied"] * 2 + ["timed-out"] * 2
    assert report["verdict"] == "degraded"
    assert report["findings"][0]["cause"] == "filter-drops"
