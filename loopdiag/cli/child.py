"""A child process that works for this one: it tells one thing, and is never left behind."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def in_child(work: Callable[[], bytes], patience: float) -> bytes:
    """What `work` returns, or the part of it that came within `patience` seconds; nothing where it raises.

    The child ends when this returns, and when this process ends, however it does.
    """
    _be_told_of_children()
    parent = os.getpid()
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        _work(work, sending, parent)
    os.close(sending)
    try:
        return _all_of(receiving, patience)
    finally:
        os.close(receiving)
        os.kill(child, signal.SIGKILL)  # it has not been waited for, so the number is still its own
        os.waitpid(child, 0)


def _be_told_of_children() -> None:
    """Where SIGCHLD is ignored, as whoever started us may have left it, ended children vanish: wait(2), NOTES.

    Nobody could wait for them, and a signal to one could meet another process that has got its number.
    """
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _work(work: Callable[[], bytes], sending: int, parent: int) -> None:
    """Never returns: what the parent does at its end is not the child's to do."""
    try:
        _end_with(parent)
        told = work()
        while told:
            told = told[os.write(sending, told) :]
    finally:
        os._exit(0)


def _end_with(parent: int) -> None:
    """PR_SET_PDEATHSIG of prctl(2). A parent that ended before has another process take its place: getppid(2)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(0)


def _all_of(receiving: int, patience: float) -> bytes:
    poll = select.poll()
    poll.register(receiving, select.POLLIN)
    deadline, data = time.monotonic() + patience, bytearray()
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        piece = os.read(receiving, 1 << 20)
        if not piece:
            break
        data += piece
    return bytes(data)
