"""Which sockets each process has open: one pass over /proc/*/fd, proc_pid_fd(5)."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from loopdiag.host.linux.ahead import ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from loopdiag.host.linux.owners import Owners

# inodes by pid, in rising order of pids, and whether some process would not let its descriptors be read
Held = tuple[dict[int, list[int]], bool]
_PREFIX = "socket:["
_BEGUN = 0.92  # of the processes; the rest is for when all else is read, so that neither core waits for the other


def seek_owners() -> Callable[[Iterable[int]], Mapping[int, Owners]]:
    """Begin the pass now; what is returned waits for it, and is find_owners() for the inodes that it is called with."""
    pids = _pids("/proc")
    cut = round(len(pids) * _BEGUN)
    begun = ahead(partial(search, pids=pids[:cut]))
    from loopdiag.host.linux.owners import find_owners  # loaded while the pass goes on

    def searched() -> Held:
        rest, hidden = search(pids=pids[cut:])
        held, more_hidden = begun()
        return held | rest, hidden or more_hidden

    return lambda inodes: find_owners(inodes, searched=searched)


def search(proc: str = "/proc", pids: Iterable[int] | None = None) -> Held:
    """All sockets that are open in a process that can be seen here, or in one of `pids`."""
    held: dict[int, list[int]] = {}
    hidden = False
    for pid in _pids(proc) if pids is None else pids:
        try:
            sockets = _sockets_of(f"{proc}/{pid}/fd")
            held[pid] = _of_other_threads(f"{proc}/{pid}") if sockets is None else sockets
        except PermissionError:
            hidden = True
        except OSError:
            continue  # it ended meanwhile
    return held, hidden


def _pids(proc: str) -> list[int]:
    return sorted(int(name) for name in os.listdir(proc) if name.isdecimal())  # noqa: PTH208


def _of_other_threads(process: str) -> list[int]:
    """Where the main thread has ended, its files are seen by the other threads alone; kernel threads have none."""
    for thread in os.listdir(f"{process}/task"):  # noqa: PTH208
        if not process.endswith(f"/{thread}"):
            return _sockets_of(f"{process}/task/{thread}/fd") or []
    return []


def _sockets_of(path: str) -> list[int] | None:
    """Inodes; one that is open twice is there twice. None where nothing at all is open."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)  # so that the kernel need not walk there for every link
    found, readlink, cut = [], os.readlink, len(_PREFIX)  # this loop runs once for every open file of the machine
    try:
        names = os.listdir(folder)  # noqa: PTH208 - they are not needed as paths
        for name in names:
            try:
                link = readlink(name, dir_fd=folder)
            except OSError:
                continue
            if link.startswith(_PREFIX):
                found.append(int(link[cut:-1]))
    finally:
        os.close(folder)
    return found if names else None
