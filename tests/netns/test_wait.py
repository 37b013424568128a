"""`wait` where the listener that answers is not the one that was asked for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from loopdiag.diagnose.wait import wait
from loopdiag.model.readiness import Wish
from loopdiag.model.report import Verdict
from loopdiag.model.target import parse_target

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "nft", "ip")

DROP = """nft add table ip f
nft 'add chain ip f in { type filter hook input priority 0; }'
nft add rule ip f in tcp dport 9300 drop"""
SERVE = """
import socket
with socket.create_server(("127.0.0.1", 9300)) as server:
    print("listening", flush=True)
    while True:
        held = server.accept()
"""


def test_one_that_comes_up_behind_nat_is_met(host: Host) -> None:
    host.sh("""ip link set lo up; nft add table ip n
            nft 'add chain ip n out { type nat hook output priority -100; }'
            nft add rule ip n out tcp dport 9299 redirect to :9300""")
    refused = threading.Event()
    starter = threading.Thread(target=lambda: refused.wait(10) and host.python(SERVE))
    starter.start()
    wish = Wish(timeout=20)
    report = host.call(wait, [parse_target("127.0.0.1:9299")], wish, lambda change: refused.set())
    starter.join()
    assert report.verdict is Verdict.WORKS
    assert report.extra["waited"][0].story == "refused, then answers"


def test_refused_then_hung_then_answered_is_told_as_that(host: Host) -> None:
    host.sh("ip link set lo up")
    happened = threading.Semaphore(0)

    def change_the_host() -> None:
        assert happened.acquire(timeout=20)
        host.sh(DROP)
        assert happened.acquire(timeout=20)
        host.python(SERVE)
        host.sh("nft delete table ip f")

    changing = threading.Thread(target=change_the_host)
    changing.start()
    report = host.call(wait, [parse_target("127.0.0.1:9300")], Wish(timeout=30), lambda change: happened.release())
    changing.join()
    assert report.verdict is Verdict.WORKS
    assert report.extra["waited"][0].story == "refused, then no answer, then answers"


def test_a_knock_that_meets_itself_does_not_keep_the_port_from_its_server(host: Host) -> None:
    host.sh("ip link set lo up; sysctl -qw net.ipv4.ip_local_port_range='9300 9300'")
    report = host.call(wait, [parse_target("127.0.0.1:9300")], Wish(timeout=0.5))
    assert [one.cause for one in report.findings] == ["self-connect"]
    assert host.sh("ss -Hant") == ""
