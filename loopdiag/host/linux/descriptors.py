"""Which sockets each process has open: one pass over /proc/*/fd, proc_pid_fd(5)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from loopdiag.host.linux.ahead import ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from loopdiag.host.linux.owners import Owners

# inodes by pid, in rising order of pids, and whether some process would not let its descriptors be read
Held = tuple[dict[int, list[int]], bool]
_PREFIX = "socket:["


def seek_owners() -> Callable[[Iterable[int]], Mapping[int, Owners]]:
    """Begin the pass now; what is returned waits for it, and is find_owners() for the inodes that it is called with."""
    searched = ahead(search)
    from loopdiag.host.linux.owners import find_owners  # loaded while the pass goes on

    return lambda inodes: find_owners(inodes, searched=searched)


def search(proc: str = "/proc") -> Held:
    """All sockets that are open in a process that can be seen here."""
    held: dict[int, list[int]] = {}
    hidden = False
    for pid in sorted(int(name) for name in os.listdir(proc) if name.isdecimal()):  # noqa: PTH208
        try:
            sockets = _sockets_of(f"{proc}/{pid}/fd")
            held[pid] = _of_other_threads(f"{proc}/{pid}") if sockets is None else sockets
        except PermissionError:
            hidden = True
        except OSError:
            continue  # it ended meanwhile
    return held, hidden


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
