"""Work done together with a child: its values are those of the work, whatever becomes of the child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from loopdiag.host.linux.together import together

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fork and CPU affinity as on Linux")

PARTS = range(40)
TWO_CORES = pytest.mark.skipif(sys.platform == "linux" and len(os.sched_getaffinity(0)) < 2, reason="needs two cores")


def begin(part: int) -> tuple[int, int]:
    time.sleep(0.002)
    return part, os.getpid()


def finish(begun: tuple[int, int], wanted: set[int]) -> tuple[int, bool, int, int]:
    part, pid = begun
    time.sleep(0.002)
    return part, part in wanted, pid, os.getpid()


@pytest.mark.parametrize("seconds_until_wanted", [0.0, 0.04, 0.5], ids=["at once", "meanwhile", "when all is begun"])
def test_each_part_is_done_once_and_no_child_is_left(seconds_until_wanted: float) -> None:
    both = together(PARTS, begin, finish)
    time.sleep(seconds_until_wanted)
    done = both({3, 7})
    assert sorted((part, is_wanted) for part, is_wanted, _, _ in done) == [(part, part in (3, 7)) for part in PARTS]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@TWO_CORES
def test_what_the_child_has_begun_is_finished_by_both() -> None:
    both = together(PARTS, begin, finish)
    time.sleep(0.5)
    done = both(set())
    assert os.getpid() not in {begun_by for _, _, begun_by, _ in done}
    assert len({finished_by for _, _, _, finished_by in done}) == 2


@TWO_CORES
def test_what_is_left_is_begun_by_both() -> None:
    done = together(PARTS, begin, finish)(set())
    assert len({begun_by for _, _, begun_by, _ in done}) == 2


def test_nothing_to_do() -> None:
    assert together([], begin, finish)(set()) == []


@TWO_CORES
def test_a_child_that_is_killed_or_stopped_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopdiag.host.linux.together._PATIENCE", 200)
    wanted = set(range(100_000))  # more than a pipe holds
    for sign in (signal.SIGKILL, signal.SIGSTOP):
        both = together(PARTS, begin, finish)
        (child,) = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        os.kill(int(child), sign)
        assert sorted(part for part, _, _, _ in both(wanted)) == list(PARTS)
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)


def test_where_sigchld_is_ignored() -> None:
    code = (
        "import os, signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "from loopdiag.host.linux.together import together\n"
        "print(sorted(together([1, 2, 3], lambda part: part, lambda begun, wanted: begun)(0)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "[1, 2, 3]\n"


@pytest.mark.parametrize("when", ["before it is told", "after it is told"])
def test_what_a_child_that_dies_has_taken_is_done_again(when: str) -> None:
    """It may die at any time, as of the OOM killer; it is no other process than the one that asks here."""
    here = os.getpid()

    def dies(wanted: object) -> None:
        if os.getpid() != here and (wanted is None) == (when == "before it is told"):
            os.kill(os.getpid(), 9)

    def begins(part: int) -> int:
        dies(None)
        return part

    def finishes(part: int, wanted: str) -> tuple[int, str]:
        dies(wanted)
        return part, wanted

    both = together(PARTS, begins, finishes)
    time.sleep(0.05)
    assert sorted(both("all")) == [(part, "all") for part in PARTS]


def test_what_fails_fails_where_it_is_asked_for() -> None:
    both = together(PARTS, begin, lambda _begun, _wanted: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        both(set())


def test_more_than_fits_into_a_pipe() -> None:
    wanted = set(range(100_000))

    def count(begun: list[int], wanted: set[int]) -> int:
        return len(wanted.intersection(begun))

    done = together(PARTS, lambda part: list(range(part, 100_000)), count)(wanted)
    assert sorted(done, reverse=True) == [100_000 - part for part in PARTS]


def test_who_reads_the_output_to_its_end_does_not_wait_for_the_child() -> None:
    code = (
        "import os, sys\nfrom loopdiag.host.linux.together import together\n"
        "together([1], lambda part: os.read(int(sys.argv[1]), 1), lambda begun, wanted: 0)\nos._exit(0)"
    )
    held, holds = os.pipe()
    try:
        done = subprocess.run([sys.executable, "-c", code, str(held)], capture_output=True, timeout=30, pass_fds=[held],
                              check=True)  # fmt: skip
        assert (done.stdout, done.stderr) == (b"", b"")
    finally:
        os.close(holds)
        os.close(held)


def test_beside_other_threads_nothing_is_forked() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert {pid for _, _, _, pid in together(PARTS, begin, finish)(set())} == {os.getpid()}
    finally:
        done.set()
        other.join()
