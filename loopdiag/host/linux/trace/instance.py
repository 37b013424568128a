"""A trace instance of our own: made, armed, read, and removed whatever happens.

The instance's directory is locked (flock) as long as its process lives. A run that was killed leaves an instance
without a lock, which the next run removes; this needs no process numbers, so it holds across PID namespaces.
"""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from loopdiag.host.linux.trace.stacks import EVENT, TRIGGER, has_bare_addresses, with_places
from loopdiag.host.linux.trace.tracefs import Tracefs, open_tracefs, refused
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "loopdiag-"
READ_LIMIT = 1 << 24  # bytes: a busy machine may write as fast as we read


class Tracepoint(NamedTuple):
    """A tracepoint by `group/event`, with a filter in the kernel's own language where it is too busy without."""

    name: str
    filter: str = ""
    required: bool = False


class Instance:
    """An instance that can begin. `missing` are the tracepoints that this kernel does not have."""

    def __init__(self, tracefs: Tracefs, path: str, lock: int, missing: tuple[str, ...], pipe: int) -> None:
        self.path = path
        self.missing = missing
        self._tracefs = tracefs
        self._lock = lock
        self._pipe = pipe
        self._begun = False

    def mark(self, text: str) -> None:
        """Write a line of our own, which tells how the tracer numbers the calling thread; the first one begins.

        Raises OSError (EBADF) where there is no room for it.
        """
        if not self._begun:
            _write(f"{self.path}/tracing_on", "1")
            self._begun = True
        _write(f"{self.path}/trace_marker", text)

    def read(self) -> str:
        """What was recorded since the last call, at most some 16 MB of it; does not wait."""
        pieces: list[bytes] = []
        size = 0
        with suppress(BlockingIOError):
            while size < READ_LIMIT and (piece := os.read(self._pipe, 1 << 16)):
                pieces.append(piece)
                size += len(piece)
        return with_places(b"".join(pieces).decode(errors="replace"))

    def lost(self) -> int:
        """How many events of this machine found no room: ftrace.rst, `per_cpu/cpu*/stats`."""
        total = 0
        with suppress(OSError):
            for cpu in os.listdir(f"{self.path}/per_cpu"):  # noqa: PTH208
                total += _dropped(f"{self.path}/per_cpu/{cpu}/stats")
        return total

    def stop(self) -> None:
        """Record no more; what was recorded can still be read."""
        with suppress(OSError):
            _write(f"{self.path}/tracing_on", "0")

    def close(self) -> None:
        """Stop, and remove it. Removing waits for the kernel (some 40 ms) and so goes on beside what follows; Python
        waits for it before the process ends.
        """
        self.stop()
        os.close(self._pipe)
        threading.Thread(target=self._remove, name="loopdiag-untrace").start()

    def _remove(self) -> None:
        with suppress(OSError):
            os.rmdir(self.path)  # noqa: PTH106 - pathlib is not loaded for this
        os.close(self._lock)
        self._tracefs.close()


def make_instance(tracepoints: Iterable[Tracepoint], clock: str | None = None) -> Instance | Unknown:
    """An instance with these tracepoints, ready to begin; Unknown with the right that is missing.

    `clock` is one of trace_clock's; changing it costs some 20 ms.
    """
    tracefs = open_tracefs()
    if isinstance(tracefs, Unknown):
        return tracefs
    try:
        path, lock = _create(f"{tracefs.path}/instances")
    except OSError as fault:
        tracefs.close()
        return refused(fault)
    try:
        _write(f"{path}/tracing_on", "0")  # or a busy machine would fill it before we begin
        if clock:
            _write(f"{path}/trace_clock", clock)
        _write(f"{path}/options/overwrite", "0")  # where there is no room for all, the beginning is what matters
        missing = tuple(point.name for point in tracepoints if not _enable(path, point))
        pipe = os.open(f"{path}/trace_pipe", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        _abandon(path, lock, tracefs)
        return refused(fault)
    return Instance(tracefs, path, lock, missing, pipe)


def remove_stale(folder: str) -> list[str]:
    """Remove instances of ours whose process is gone; returns their names. The folder must be locked."""
    return [name for name in os.listdir(folder) if name.startswith(PREFIX) and _remove_unowned(f"{folder}/{name}")]  # noqa: PTH208


def _remove_unowned(path: str) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rmdir(path)  # noqa: PTH106
    except OSError:
        return False  # its process lives, or somebody reads it
    finally:
        os.close(handle)
    return True


class Locked:
    """The lock of the folder of instances, so that nobody takes a new instance for an abandoned one."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        self._handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _create(folder: str) -> tuple[str, int]:
    with Locked(folder):
        remove_stale(folder)
        for number in count(1):
            path = f"{folder}/{PREFIX}{os.getpid()}-{number}"
            with suppress(FileExistsError):
                os.mkdir(path)  # noqa: PTH102
                break
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(handle, fcntl.LOCK_EX)
    return path, handle


def _enable(path: str, point: Tracepoint) -> bool:
    try:
        if point.filter:
            _write(f"{path}/events/{point.name}/filter", point.filter)
        if point.name == EVENT:
            _ask_for_stacks(f"{path}/events/{EVENT}")
        _write(f"{path}/events/{point.name}/enable", "1")
    except FileNotFoundError:
        if point.required:
            raise
        return False
    return True


def _ask_for_stacks(event: str) -> None:
    """Where the event tells no names; a kernel that cannot write stacks leaves them out."""
    with suppress(OSError), open(f"{event}/format", encoding="ascii") as text:  # noqa: PTH123
        if has_bare_addresses(text.read()):
            _write(f"{event}/trigger", TRIGGER)


def _dropped(path: str) -> int:
    with suppress(OSError, ValueError), open(path, encoding="ascii") as stats:  # noqa: PTH123
        return sum(int(line.rpartition(":")[2]) for line in stats if line.startswith(("dropped events", "overrun")))
    return 0


def _abandon(path: str, lock: int, tracefs: Tracefs) -> None:
    with suppress(OSError):
        os.rmdir(path)  # noqa: PTH106
    os.close(lock)
    tracefs.close()


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)
