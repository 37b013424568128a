"""Work begun ahead: its value is that of the work, whatever becomes of the child."""

from __future__ import annotations

import os
import subprocess
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


def test_who_reads_the_output_to_its_end_does_not_wait_for_the_child() -> None:
    code = "import os, sys\nfrom loopdiag.host.linux.ahead import ahead\nahead(lambda: os.read(int(sys.argv[1]), 1))"
    held, holds = os.pipe()
    try:
        done = subprocess.run([sys.executable, "-c", code, str(held)], capture_output=True, timeout=30, pass_fds=[held],
                              check=True)  # fmt: skip
        assert (done.stdout, done.stderr) == (b"", b"")
    finally:
        os.close(holds)  # and the child ends
        os.close(held)


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
