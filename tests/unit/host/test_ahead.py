"""Work begun ahead: its value is that of the work, whatever becomes of the child."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from loopdiag.host.linux.ahead import ahead

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fork and CPU affinity as on Linux")


def test_the_value_comes_from_a_child() -> None:
    assert len(os.sched_getaffinity(0)) < 2 or ahead(os.getpid)() != os.getpid()


def test_it_is_the_value_of_the_work_and_leaves_no_child() -> None:
    assert ahead(lambda: ({3: [1, 2]}, True))() == ({3: [1, 2]}, True)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_fails_in_the_child_fails_where_its_value_is_asked_for() -> None:
    begun = ahead(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        begun()


def test_beside_other_threads_nothing_is_forked() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert ahead(os.getpid)() == os.getpid()
    finally:
        done.set()
        other.join()
