"""What an ordinary user learns of packets that get lost, by the kernel's counts alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopdiag.diagnose.losses import lost_on_loopback
from loopdiag.probes.udp import exchange_udp

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip", "nft")

ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 7400))
print(1, flush=True)
while True:
    data, peer = s.recvfrom(99)
    s.sendto(data, peer)
"""


def drop(host: Host, hook: str, rule: str) -> None:
    host.sh(f"nft add table inet fence; nft add chain inet fence at '{{ type filter hook {hook} priority 0; }}'")
    host.sh(f"nft add rule inet fence at {rule} drop")


@pytest.fixture
def up(host: Host) -> Host:
    host.sh("ip link set lo up")
    host.python(ECHO)
    return host


def lost(host: Host) -> str | None:
    return host.call(lambda: lost_on_loopback(lambda: exchange_udp("127.0.0.1", 7400, 0.2), "127.0.0.1"))


def test_what_comes_through_is_not_lost(up: Host) -> None:
    assert lost(up) is None


@pytest.mark.parametrize(("hook", "rule", "says"), [
    ("output", "udp dport 7400", "came as far as lo"),
    ("input", "udp dport 7400", "lo took in 1 packet, and 0 came through"),
    ("prerouting", "udp sport 7400", "lo took in 2 packets, and 1 came through"),
])  # fmt: skip
def test_what_is_dropped_is_seen_to_be_lost(up: Host, hook: str, rule: str, says: str) -> None:
    drop(up, hook, rule)
    assert says in (lost(up) or "")
    report = up.report("why", "udp://127.0.0.1:7400", user="nobody")
    assert (report["findings"][0]["cause"], report["verdict"]) == ("filter-drops", "broken")
    assert "udp-no-reply" not in [one["cause"] for one in report["findings"]]
