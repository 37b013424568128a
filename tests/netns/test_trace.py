"""The kernel's own record of one probe, on hosts whose faults are known."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopdiag.host.linux.trace.drops import watch_drops
from loopdiag.host.linux.trace.instance import PREFIX, Locked, remove_stale
from loopdiag.host.linux.trace.tracefs import Tracefs, open_tracefs
from tests.host import PROJECT, Host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


pytestmark = pytest.mark.needs("root", "ip")

SERVER = """
import socket, threading
server = socket.create_server(("::", 7300), family=socket.AF_INET6, dualstack_ipv6=True)
echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); echo.bind(("0.0.0.0", 7301))
full = socket.socket(); full.bind(("127.0.0.1", 7302)); full.listen(0)
held = socket.create_connection(("127.0.0.1", 7302))
def answer():
    while True:
        data, sender = echo.recvfrom(2000)
        echo.sendto(data, sender)
threading.Thread(target=answer, daemon=True).start()
print("ready", flush=True)
while True:
    server.accept()[0].close()
"""
# Each connection is waited for to be served: a faster client would fill the accept queue, and our own SYN be dropped.
TRAFFIC = """
import socket
print("on", flush=True)
while True:
    with socket.create_connection(("127.0.0.1", 7300)) as one:
        one.recv(1)
"""
FILTER = """
nft add table inet wall
nft 'add chain inet wall arriving { type filter hook input priority 0; }'
nft 'add chain inet wall leaving { type filter hook output priority 0; }'
nft add rule inet wall arriving tcp dport 7310 drop
nft add rule inet wall arriving udp dport 7310 drop
nft add rule inet wall arriving tcp dport 7311 reject
nft add rule inet wall arriving tcp dport 7312 reject with tcp reset
nft add rule inet wall leaving tcp dport 7313 drop
nft add rule inet wall leaving tcp sport 7314 drop
"""


@pytest.fixture
def served(host: Host) -> Host:
    host.sh("ip link set lo up; ip link add side type veth peer name far; ip addr add 10.61.0.1/24 dev side\n"
            "ip link set side up; ip link set far up")  # fmt: skip
    host.python(SERVER)
    return host


@pytest.mark.parametrize("target", ["127.0.0.1", "::1", "10.61.0.1", "127.0.0.1:7300", "[::1]:7300", "10.61.0.1:7300",
                                    "udp://127.0.0.1:7301"])  # fmt: skip
def test_packets_for_oneself_cross_lo_alone(served: Host, target: str) -> None:
    report = served.report("trace", target)
    assert report["verdict"] == "works", report["summary"]
    assert list(report["crossing"]["packets"]) == ["lo"]
    assert {step["device"] for step in report["journey"]} <= {"lo", None}
    assert report["crossing"]["route_devices"] == (["side"] if "10.61" in target else ["lo"])
    assert report["unknown"] == []


def test_the_journey_tells_backlog_softirq_and_reply(served: Host) -> None:
    steps = served.report("trace", "127.0.0.1")["journey"]
    names = [step["event"] for step in steps if step["packet"] == 1]
    assert names[:4] == ["net_dev_queue", "net_dev_start_xmit", "netif_rx", "netif_receive_skb"]
    assert {step["context"] for step in steps if step["event"] == "netif_receive_skb"} <= {"softirq", "ksoftirqd"}
    assert any(step["packet"] == 2 for step in steps)
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    assert all(step["reason"] is None for step in steps)


@pytest.mark.needs("nft")
@pytest.mark.parametrize(
    ("target", "reason", "says"),
    [
        ("127.0.0.1:7310", "NETFILTER_DROP", "nft"),
        ("udp://127.0.0.1:7310", "NETFILTER_DROP", "nft"),
        ("127.0.0.1:7311", "NETFILTER_DROP", "an ICMP error was sent back"),
        ("127.0.0.1:7312", "NETFILTER_DROP", "the rule itself sent an answer back"),
        ("[::1]:7311", "NETFILTER_DROP", "the rule itself sent an answer back"),
        ("127.0.0.1:7313", "NETFILTER_DROP", "netfilter"),
        ("127.0.0.1:7314", "NETFILTER_DROP", "netfilter"),
        ("127.0.0.1:7315", "NO_SOCKET", "answered with a reset"),
        ("udp://127.0.0.1:7315", "NO_SOCKET", "an ICMP error was sent back"),
    ],
)
def test_the_journey_ends_where_it_really_ends(served: Host, target: str, reason: str, says: str) -> None:
    served.sh(FILTER)
    report = served.report("trace", target)
    drops = [step for step in report["journey"] if step["event"] == "kfree_skb" and step["reason"]]
    assert drops[0]["reason"] == reason
    assert says in report["ending"]
    assert report["facts"]["drops"][0]["reason"] == reason


def test_a_full_accept_queue_gives_no_reason_and_none_is_made_up(served: Host) -> None:
    report = served.report("trace", "127.0.0.1:7302")
    assert "the kernel gives no reason here" in report["ending"]
    assert report["facts"]["drops"] == []
    assert report["facts"]["counters"]["protocol"]["TcpExt.ListenOverflows"] >= 1


CROSSED = """
ip link set lo up; ip link add near type veth peer name away
ip addr add 10.62.0.1/24 dev near; ip addr add 10.62.0.2/32 dev away; ip link set near up; ip link set away up
ip neigh add 10.62.0.2 lladdr $(ip -br link show away | awk '{print $3}') dev near nud permanent
ip route add 10.62.0.2 dev near table 62; ip rule add pref 5 iif lo to 10.62.0.2 lookup 62
ip rule del pref 0; ip rule add pref 9 lookup local
"""


def test_a_martian_source(host: Host) -> None:
    host.sh(CROSSED)
    report = host.report("trace", "10.62.0.2")
    assert "ip_rcv_finish" in report["ending"]
    assert list(report["crossing"]["packets"]) == ["near"]
    assert report["facts"]["drops"][0]["reason"] == "IP_LOCAL_SOURCE"


def test_reverse_path_filter(host: Host) -> None:
    host.sh(
        CROSSED + "echo 1 >/proc/sys/net/ipv4/conf/away/accept_local; echo 1 >/proc/sys/net/ipv4/conf/away/rp_filter"
    )
    report = host.report("trace", "10.62.0.2")
    assert report["facts"]["drops"][0] | {"at": 0} == {
        "reason": "IP_RPFILTER", "place": "ip_rcv_finish_core", "at": 0, "protocol": "ipv4", "device": "away",
        "task": report["facts"]["drops"][0]["task"],
    }  # fmt: skip


def test_a_loopback_address_on_another_interface(host: Host) -> None:
    host.sh(CROSSED.replace("10.62.0.2", "127.0.0.9"))
    drops = host.report("trace", "127.0.0.9")["facts"]["drops"]
    assert [(drop["reason"], drop["device"]) for drop in drops] == [("IP_LOCALNET", "away")]


def test_two_cores_of_other_traffic_stay_out(served: Host) -> None:
    """20 traces in a row, each while other processes use the same listener, and nothing but the own packets."""
    served.python(TRAFFIC)
    for _ in range(20):
        report = served.report("trace", "127.0.0.1:7300")
        ours = {report["observations"][0]["from"].rpartition(":")[2], "7300"}
        ports = {port for step in report["journey"] for port in re.findall(r"^port (\d+):", step["says"])}
        assert ports <= ours
        assert 3 <= report["crossing"]["packets"]["lo"] <= 8
        assert report["lost_events"] == 0


@pytest.fixture
def tracefs() -> Iterator[Tracefs]:
    opened = open_tracefs()
    assert isinstance(opened, Tracefs)
    yield opened
    opened.close()


def _inside(host: Host, *words: str) -> list[str]:
    """In the host's network, yet with a process number of the machine, so that an instance's name tells whose it is."""
    return ["nsenter", "--target", str(host.pid), "--net", sys.executable, "-m", "loopdiag", *words]


def _instances(tracefs: Tracefs, pids: set[int]) -> list[str]:
    names = [path.name for path in Path(f"{tracefs.path}/instances").iterdir()]
    return [name for name in names if name.startswith(PREFIX) and int(name.split("-")[1]) in pids]


def test_killed_at_random_it_leaves_one_instance_at_most(served: Host, tracefs: Tracefs) -> None:
    moments, pids = random.Random(4), set[int]()
    for _ in range(15):
        process = subprocess.Popen(_inside(served, "trace", "127.0.0.1:7310"), stdout=subprocess.DEVNULL, cwd=PROJECT)
        pids.add(process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0.05, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(_instances(tracefs, pids)) <= 1
    done = subprocess.Popen(_inside(served, "trace", "127.0.0.1"), stdout=subprocess.DEVNULL, cwd=PROJECT)
    done.wait(30)
    assert _instances(tracefs, {*pids, done.pid}) == []


def test_an_instance_in_use_is_not_taken_for_a_stale_one(tracefs: Tracefs) -> None:
    def send() -> None:
        with Locked(f"{tracefs.path}/instances"):
            removed = remove_stale(f"{tracefs.path}/instances")
        assert not any(f"-{os.getpid()}-" in name for name in removed)

    assert isinstance(watch_drops(send), tuple)


def _dial(port: int, address: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> Callable[[], None]:
    def send() -> None:
        with socket.socket(socket.AF_INET, kind) as client, contextlib.suppress(OSError):
            client.setblocking(False)
            client.connect((address, port))
            client.send(b"x")

    return send


@pytest.mark.needs("nft")
@pytest.mark.parametrize(
    ("send", "reasons"),
    [
        (_dial(7310), ["NETFILTER_DROP"]),
        (_dial(7310, kind=socket.SOCK_DGRAM), ["NETFILTER_DROP"]),
        (_dial(7313), ["NETFILTER_DROP"]),
        (_dial(7314), ["NETFILTER_DROP", "NO_SOCKET"]),
        (_dial(7315), ["NO_SOCKET"]),
        (_dial(7300), []),
        (_dial(7302), []),
        (_dial(7301, kind=socket.SOCK_DGRAM), []),
    ],
)
def test_drops_are_seen_at_once(served: Host, send: Callable[[], None], reasons: list[str]) -> None:
    served.sh(FILTER)
    began = time.monotonic()
    drops = served.call(watch_drops, send)
    assert isinstance(drops, tuple)
    assert [drop.reason for drop in drops] == reasons
    assert time.monotonic() - began < 0.5


def test_a_fault_of_the_sender_passes_and_leaves_nothing(tracefs: Tracefs) -> None:
    def send() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        watch_drops(send)
    for _ in range(100):
        if not _instances(tracefs, {os.getpid()}):
            return
        time.sleep(0.02)  # the kernel takes some 40 ms to remove it
    pytest.fail("the instance is still there")


def test_without_the_right_it_says_which_one_and_shows_counters(served: Host) -> None:
    report = served.report("trace", "127.0.0.1:7300", user="nobody")
    assert report["verdict"] == "works"
    assert "journey" not in report
    assert any("CAP_SYS_ADMIN" in gap["because"] for gap in report["unknown"])
    assert report["facts"]["counters"]["sent"]["lo"] >= 3
    text = served.loopdiag("trace", "127.0.0.1:7300", user="nobody").stdout
    assert "not traced" in text
    assert "lo +" in text


@pytest.mark.needs("nft")
def test_the_page_is_readable_at_80_columns(served: Host) -> None:
    served.sh(FILTER)
    for target in ("127.0.0.1:7300", "127.0.0.1:7310", "::1", "udp://10.61.0.1:7301"):
        text = served.loopdiag("trace", target).stdout
        assert max(map(len, text.splitlines())) <= 80
        assert len(text.splitlines()) < 64
        assert "crossed  lo" in text


@pytest.mark.needs("nft", "bpftrace")
def test_bpftrace_sees_the_same_drop(served: Host) -> None:
    served.sh(FILTER)
    program = (
        'BEGIN { printf("on\\n"); } tracepoint:skb:kfree_skb /comm == "lpd-traced"/'
        ' { printf("%s %d\\n", ksym(args->location), args->reason); }'
    )
    code = (
        "import sys\nopen('/proc/self/comm', 'w').write('lpd-traced')\nfrom loopdiag.cli.main import main\n"
        "sys.exit(main(['trace', '127.0.0.1:7310', '--json']))"
    )
    with_tracefs = 'mount -t tracefs tracefs /sys/kernel/tracing && exec bpftrace -e "$1"'
    watch = [
        "timeout",
        "--kill-after=5",
        "--signal=INT",
        "60",
        "unshare",
        "--mount",
        "sh",
        "-c",
        with_tracefs,
        "sh",
        program,
    ]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as witness:
        assert witness.stdout is not None
        assert "on" in (witness.stdout.readline() + witness.stdout.readline())
        done = subprocess.run(served.command(sys.executable, "-c", code), capture_output=True, text=True, cwd=PROJECT,
                              timeout=30)  # fmt: skip
        witness.send_signal(signal.SIGINT)
        seen = [line.split()[0] for line in witness.stdout if line.strip()]
    report: dict[str, Any] = json.loads(done.stdout)
    assert [step["place"] for step in report["journey"] if step["reason"]] == ["nft_do_chain"]
    assert seen.count("nft_do_chain") == 1


@pytest.mark.needs("tcpdump")
@pytest.mark.parametrize(
    ("target", "lines"), [("127.0.0.1", 2), ("10.61.0.1", 2), ("127.0.0.1:7315", 2), ("udp://127.0.0.1:7301", 2)]
)
def test_a_capture_holds_the_packets_of_the_probe_and_nothing_else(served: Host, target: str, lines: int) -> None:
    served.python(TRAFFIC)
    file = served.folder / "probe.pcap"
    report = served.report("trace", "--pcap", str(file), target)
    assert report["pcap"] == {"file": str(file), "packets": lines}
    text = subprocess.run(["tcpdump", "-nr", str(file)], capture_output=True, text=True, check=True).stdout
    assert len(text.splitlines()) == lines
    assert ".7300" not in text
