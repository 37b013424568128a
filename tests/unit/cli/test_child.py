"""A child that works for its parent tells one thing, and ends no later than its parent."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loopdiag.cli.child import in_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is of Linux")
# nohup(1) hands on that SIGHUP is ignored, and a shell that runs it in the background that SIGINT is.
WORKS = ("import os, signal, sys, time; from loopdiag.cli.child import in_child; "
         "[signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)]; "
         "in_child(lambda: (print(os.getpid(), flush=True), time.sleep(60), b'')[-1], 60)")  # fmt: skip


def test_what_it_tells_comes_whole() -> None:
    assert in_child(lambda: b"x" * (1 << 20), 10.0) == b"x" * (1 << 20)


def test_what_raises_tells_nothing() -> None:
    assert in_child(lambda: b"%d" % (1 // 0), 10.0) == b""


def test_one_that_takes_too_long_is_ended() -> None:
    begun = time.monotonic()
    assert in_child(_late, 0.1) == b""
    assert time.monotonic() - begun < 10


def _late() -> bytes:
    time.sleep(60)
    return b"late"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGINT])
def test_it_ends_with_its_parent(number: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", WORKS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    with parent:
        parent.stdout.readline()
        sent = time.monotonic()
        parent.send_signal(number)
        assert parent.stdout.read() == b""  # the child, which has the other end too, has closed it
        assert time.monotonic() - sent < 10


def test_where_ended_children_are_ignored() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert in_child(lambda: b"told", 10.0) == b"told"
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_child_leaves_no_descriptor_open() -> None:
    before = sorted(Path("/proc/self/fd").iterdir())
    in_child(lambda: b"", 10.0)
    assert len(sorted(Path("/proc/self/fd").iterdir())) == len(before)
