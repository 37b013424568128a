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
