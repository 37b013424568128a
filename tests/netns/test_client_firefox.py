"""The real Firefox: it does as predicted, makes the one request and nothing else, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.host import PROJECT
from tests.netns.leftovers import ends_with_us
from tests.netns.test_clients import SETUPS, Setup, build, verified, wrong

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip", "nft", "firefox-esr")

SILENT = """nft add table inet t; nft 'add chain inet t in { type filter hook input priority 0; }'
nft add rule inet t in tcp dport 3000 drop
"""
# A way out that ends in a device of this namespace, so that whatever would leave the host is counted.
COUNTED = """ip link add out type veth peer name far; ip link set out up; ip addr add 10.7.0.1/24 dev out
ip addr add fd07::1/64 dev out nodad; ip route add default via 10.7.0.2; ip -6 route add default via fd07::2
nft -f - <<end
table inet t {
  counter left { }
  counter opened { }
  counter datagrams { }
  chain o {
    type filter hook output priority 0;
    oifname "out" meta l4proto { tcp, udp } counter name left
    tcp flags & (syn | ack) == syn counter name opened
    udp dport 53 accept
    udp sport 53 accept
    meta l4proto udp counter name datagrams
  }
}
end
"""
# Answers every question for an IPv4 address with 10.7.0.1, and writes the names down.
NAME_SERVER = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    question, client = server.recvfrom(2000)
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += question[at] + 1
    ipv4 = question[at + 1 : at + 3] == b"\\0\\1"
    answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0<\\0\\4\\x0a\\7\\0\\1" if ipv4 else b""
    with open("{asked}", "a") as file: print(".".join(labels), file=file)
    head = question[:2] + b"\\x81\\x80\\0\\1\\0" + bytes([ipv4]) + bytes(4)
    server.sendto(head + question[12 : at + 5] + answer, client)
"""
# Answers as `how` says, and writes down what was asked.
SERVER = """
import socket
server = socket.create_server(("", 3000))
print("ready", flush=True)
while True:
    connection = server.accept()[0]
    words = connection.recv(2000)
    with open("{asked}", "a") as file: print(words.split(b"\\r")[0].decode(), file=file)
    connection.sendall({answer!r})
    connection.close()
"""
ANSWERS = {
    "a page": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "another host": b"HTTP/1.1 301 Moved\r\nLocation: http://localhost:3000/\r\nContent-Length: 0\r\n\r\n",
    "a reload": b"HTTP/1.1 200 OK\r\nRefresh: 0; url=/again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "a login": b"HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "a wish for TLS": b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=9\r\nAlt-Svc: h3=\":3000\"\r\n\r\n",
    "nothing": b"",
}  # fmt: skip
RUN = """
from loopdiag.probes.client_installed import installed
from loopdiag.probes.clients import run_client
print(run_client("firefox", installed("firefox")[0].path, "box", 3000, "http").peer)
"""


@pytest.mark.parametrize("name", [name for name, setup in SETUPS.items() if not setup.only])
def test_firefox_does_as_predicted(host: Host, name: str) -> None:
    build(host, SETUPS[name])
    rows = verified(host, SETUPS[name].ask, "--client", "firefox")
    assert rows.keys() == {"Firefox"}
    assert not wrong(rows)


@pytest.mark.parametrize("url", ["http://localhost:6000", "https://localhost:3000", "http://[::1]:3000"])
def test_a_refused_port_tls_and_an_address_are_no_other_matter(host: Host, url: str) -> None:
    build(host, Setup(listen=("127.0.0.1", "::1")))
    rows = verified(host, url, "--client", "firefox")
    assert rows.keys() == {"Firefox"}
    assert not wrong(rows)


# Addresses of one name: IP version, and whether each answers, refuses or is silent.
@pytest.mark.parametrize("listed", ["6s 4a", "4s 4a", "6s 4r", "6s 6a", "6s 6a 4a", "6r 6a 4a", "6r 4s 4a", "6s 4r 4a",
                                    "6r 4r 6a", "4r 4r 4r 4a", "4r 4a 4r 4a 4r", "6r 6r 6r 6r 4a 4a 4a"])  # fmt: skip
def test_several_addresses_are_tried_as_predicted(host: Host, listed: str) -> None:
    named = [(f"fd00::{at}" if one[0] == "6" else f"10.7.0.{at}", one[1]) for at, one in enumerate(listed.split(), 1)]
    steps = "nft add table inet t; nft 'add chain inet t in { type filter hook input priority 0; }'\n"
    for address, state in named:
        steps += f"ip addr add {address} dev lo\n"
        if state == "s":
            steps += f"nft add rule inet t in {'ip6' if ':' in address else 'ip'} daddr {address} tcp dport 3000 drop\n"
    answering = tuple(address for address, state in named if state == "a")
    hosts = "".join(f"{address} box\n" for address, _ in named)
    build(host, Setup(hosts=hosts, steps=steps, listen=answering, nsswitch="files"))
    rows = verified(host, "http://box:3000", "--timeout", "300ms", "--client", "firefox")
    assert rows.keys() == {"Firefox"}
    assert not wrong(rows)


@pytest.mark.parametrize(("url", "silent"), [
    ("http://[::1]:3000", "ip6 daddr ::1"), ("http://localhost:3000", "ip daddr 127.0.0.1"),
    ("http://localhost:3000", "ip6 daddr ::1"), ("http://127.0.0.1:3000", "ip daddr 127.0.0.1"),
])  # fmt: skip
def test_loopback_that_is_silent_is_met_as_predicted(host: Host, url: str, silent: str) -> None:
    build(host, Setup(steps=SILENT.replace("tcp", f"{silent} tcp"), listen=("127.0.0.1", "::1")))
    assert not wrong(verified(host, url, "--timeout", "300ms", "--client", "firefox"))


def test_a_silent_listener_is_waited_for_and_then_left(host: Host) -> None:
    build(host, Setup(steps=SILENT))
    rows = verified(host, "http://127.0.0.1:3000", "--timeout", "200ms", "--client", "firefox")
    assert rows["Firefox"]["verified"]["says"] == "no end within 4 s"
    assert not wrong(rows)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_it_makes_one_request_and_asks_no_name_server_for_another_name(host: Host, answer: bytes) -> None:
    build(host, Setup(listen=(), steps=COUNTED))
    host.file("/etc/resolv.conf", "nameserver 127.0.0.1\nsearch example\n")
    asked, names = host.folder / "asked", host.folder / "names"
    host.start("python3", "-c", NAME_SERVER.replace("{asked}", str(names)))
    host.start("python3", "-c", SERVER.replace("{asked}", str(asked)).replace("{answer!r}", repr(answer)))
    said = host.sh(f"hostname a-host-of-its-own; cd {PROJECT}; {sys.executable} -c '{RUN}'")
    assert said == "('10.7.0.1', 3000)\n"
    assert asked.read_text() == "HEAD / HTTP/1.1\n"
    assert set(names.read_text().split()) <= {"box", "box.example"}
    listed = json.loads(host.sh("nft -j list counters"))["nftables"]
    counters = (one["counter"] for one in listed if "counter" in one)
    assert {one["name"]: one["packets"] for one in counters} == {"left": 0, "opened": 1, "datagrams": 0}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
@pytest.mark.parametrize("stage", ["user.js", "rdp"])  # the files that are there as it starts, and when it is asked
def test_nothing_of_it_stays_when_we_are_ended(host: Host, sent: signal.Signals, stage: str) -> None:
    build(host, Setup(steps=SILENT))
    ends_with_us(host, "firefox", stage, sent)
