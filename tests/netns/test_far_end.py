"""The other end of our own connections: what it is, and what a packet filter keeps from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopdiag.diagnose.far_end import far_end
from loopdiag.probes.tcp import connect_tcp

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip")

SERVE = """
import socket
s = socket.create_server(("{0}", {1}), family=socket.AF_INET6 if ":" in "{0}" else socket.AF_INET)
if {2}:
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)
print(1, flush=True)
kept = []
while True:
    kept.append(s.accept())
"""
FILTER = """
nft add table inet fence
nft add chain inet fence arriving '{{ type filter hook input priority 0; }}'
nft add rule inet fence arriving {}
"""


@pytest.fixture
def up(host: Host) -> Host:
    host.sh("ip link set lo up")
    return host


def state(host: Host, address: str, port: int) -> str | None:
    return host.call(lambda: connect_tcp(address, port, far_end=far_end)).far_end


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.5", "::1"])
def test_a_connection_that_was_made(up: Host, address: str) -> None:
    up.python(SERVE.format("::" if ":" in address else "0.0.0.0", 7300, False))
    assert state(up, address, 7300) == "ESTABLISHED"
    assert state(up, address, 7301) is None


def test_a_dual_stack_listener_asked_by_ipv4(up: Host) -> None:
    up.python(SERVE.format("::", 7300, False).replace("AF_INET)", "AF_INET, dualstack_ipv6=True)"))
    assert state(up, "127.0.0.1", 7300) == "ESTABLISHED"


def test_a_listener_that_waits_for_data(up: Host) -> None:
    up.python(SERVE.format("127.0.0.1", 7302, True))
    assert state(up, "127.0.0.1", 7302) == "DEFERRED"
    assert up.report("why", "127.0.0.1:7302")["verdict"] == "works"


@pytest.mark.needs("nft")
def test_the_end_of_the_handshake_is_dropped(up: Host) -> None:
    up.python(SERVE.format("127.0.0.1", 7303, False))
    up.sh(FILTER.format("tcp dport 7303 tcp flags '& (syn | ack) == ack' drop"))
    assert state(up, "127.0.0.1", 7303) == "SYN-RECV"


@pytest.mark.needs("tc")
def test_the_end_of_the_handshake_is_only_late(up: Host) -> None:
    up.python(SERVE.format("127.0.0.1", 7310, False))
    up.sh("tc qdisc add dev lo root tbf rate 6kbit burst 100 limit 10000")  # 60 ms and more for each packet
    assert state(up, "127.0.0.1", 7310) == "ESTABLISHED"


@pytest.mark.needs("nft")
def test_nat_in_between(up: Host) -> None:
    up.python(SERVE.format("127.0.0.1", 7305, False))
    up.sh("nft add table ip aside; nft add chain ip aside leaving '{ type nat hook output priority -100; }'")
    up.sh("nft add rule ip aside leaving tcp dport 7304 redirect to :7305")
    assert state(up, "127.0.0.1", 7304) == "ESTABLISHED"


def test_no_socket_by_the_name_of_a_closed_connection(up: Host) -> None:
    from loopdiag.host.linux.far_end import read_far_end

    assert up.call(read_far_end, "127.0.0.1:7306", "127.0.0.1:7307") is None


@pytest.mark.needs("nft")
@pytest.mark.parametrize("command", ["why", "connect", "trace", "compare"])
def test_a_rate_that_lets_one_packet_pass(up: Host, command: str) -> None:
    up.python(SERVE.format("127.0.0.1", 7308, False))
    up.sh(FILTER.format("tcp dport 7308 limit rate 1/hour burst 1 packets accept"))
    up.sh("nft add rule inet fence arriving tcp dport 7308 drop")
    report = up.report(command, "127.0.0.1:7308")
    found = next(one for one in report["findings"] if one["subject"] == "127.0.0.1:7308")
    assert (found["cause"], found["severity"]) == ("filter-drops", "error")
    assert "client's end only" in found["statement"]
    assert report["verdict"] in ("broken", "degraded")
    assert next(one for one in report["observations"] if one["kind"] == "tcp-connect")["far_end"] == "SYN-RECV"


@pytest.mark.needs("nft")
def test_an_ordinary_user_sees_it_too(up: Host) -> None:
    up.python(SERVE.format("127.0.0.1", 7309, False))
    up.sh(FILTER.format("ct state established tcp dport 7309 drop"))
    report = up.report("why", "127.0.0.1:7309", user="nobody")
    assert report["findings"][0]["cause"] == "filter-drops"
    assert report["findings"][0]["certainty"] == "likely"
    assert report["verdict"] == "broken"


def test_a_server_for_one_client_alone_is_asked_once(up: Host) -> None:
    up.python("""
import socket
s = socket.create_server(("127.0.0.1", 7310))
print(1, flush=True)
one, _ = s.accept()
s.close()
one.recv(4096)
one.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
one.recv(4096)
""")
    report = up.report("why", "http://127.0.0.1:7310/")
    assert report["verdict"] == "works"
    assert [one["outcome"] for one in report["observations"]] == ["connected", "replied"]
