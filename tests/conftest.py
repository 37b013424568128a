"""Fixtures: privileges and programs that a test needs, and hosts of the test's own."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import time
from typing import TYPE_CHECKING

import pytest

from tests.host import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

SO_TIMESTAMPNS = 35  # asm-generic/socket.h
# What the machine is known to have, as words: there, a test that lacks one of them fails instead of being skipped.
PROMISED = set(os.environ.get("LOOPDIAG_TESTS_HAVE", "").split())


def lacks(what: str) -> str | None:
    """Why this machine cannot run a test that needs `what` (root, or the name of a program); None when it can."""
    if what == "root":
        return None if hasattr(os, "geteuid") and os.geteuid() == 0 else "needs root"
    if what == "user":
        return None if hasattr(os, "geteuid") and os.geteuid() != 0 else "needs to run as an ordinary user"
    return None if shutil.which(what) else f"needs the program {what}"


@pytest.fixture(autouse=True)
def _needs(request: pytest.FixtureRequest) -> None:
    for marker in request.node.iter_markers("needs"):
        for what in marker.args:
            reason = lacks(what)
            if reason and what in PROMISED:
                pytest.fail(f"{reason}, which this machine was said to have")
            if reason:
                pytest.skip(reason)


@pytest.fixture
def host() -> Iterator[Host]:
    """A host of the test's own: fresh network, mount, UTS and PID namespaces with lo down. Needs root."""
    with Host() as fresh:
        yield fresh


@pytest.fixture
def stamping() -> Iterator[None]:
    """The kernel stamps what comes in, for as long as the test runs.

    It begins some moments after a first socket has asked (net_enable_timestamp() of net/core/dev.c leaves it to a work
    queue): until then there is no stamp to be told, however right the command is.
    """
    stamped = False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        asking.bind(("127.0.0.1", 0))
        asking.settimeout(5)
        ends = time.monotonic() + 10
        while not stamped and time.monotonic() < ends:
            asking.sendto(b"x", asking.getsockname())
            time.sleep(0.01)
            read_at = time.time_ns()
            (stamp,) = (data for _, kind, data in asking.recvmsg(1, 64)[1] if kind == SO_TIMESTAMPNS)
            seconds, nanoseconds = struct.unpack("=qq", stamp)
            stamped = seconds * 1_000_000_000 + nanoseconds < read_at  # else it was filled in for this reading
        assert stamped, "the kernel did not begin to stamp packets within 10 s"
        yield
