"""Which sockets each process has open: one pass over /proc/*/fd, proc_pid_fd(5)."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # begun by cli/head_start.py
if TYPE_CHECKING:
    from collections.abc import Iterable

# inodes by pid of each process that has sockets, and whether some process would not let its descriptors be read
Held = tuple[dict[int, list[int]], bool]
_PREFIX = "socket:["
_FIRST = [str(number) for number in range(1024)]


def search(proc: str = "/proc", pids: Iterable[int] | None = None) -> Held:
    """All sockets that are open in a process that can be seen here, or in one of `pids`."""
    held: dict[int, list[int]] = {}
    hidden = False
    if pids is None:
        pids = numbers(proc)
        hidden = is_hidden(pids)
    for pid in pids:
        try:
            sockets = _sockets_of(f"{proc}/{pid}/fd")
            if sockets is None:
                sockets = _of_other_threads(f"{proc}/{pid}")
        except PermissionError:
            hidden = True
        except OSError:
            continue  # it ended meanwhile
        else:
            if sockets:
                held[pid] = sockets
    return held, hidden


def numbers(proc: str) -> list[int]:
    """The pids that are to be seen there, in rising order; none where nothing is."""
    try:
        return sorted(int(name) for name in os.listdir(proc) if name.isdecimal())  # noqa: PTH208
    except OSError:
        return []


def is_hidden(pids: Iterable[int]) -> bool:
    """Whether processes are kept from this one: every PID namespace has a process 1, which hidepid hides: proc(5)."""
    return 1 not in pids


def _of_other_threads(process: str) -> list[int]:
    """Where the main thread has ended, its files are seen by the other threads alone; kernel threads have none."""
    for thread in os.listdir(f"{process}/task"):  # noqa: PTH208
        sockets = None if process.endswith(f"/{thread}") else _sockets_of(f"{process}/task/{thread}/fd")
        if sockets:
            return sockets
    return []


def _sockets_of(path: str) -> list[int] | None:
    """Inodes; one that is open twice is there twice. None where nothing at all is open."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)  # so that the kernel need not walk there for every link
    try:
        links = _links(folder)
    finally:
        os.close(folder)
    cut = len(_PREFIX)
    return [int(link[cut:-1]) for link in links if link.startswith(_PREFIX)] if links else None


def _links(folder: int) -> list[str]:
    """What is open. These loops run once for every open file of the machine.

    The folder's size is how many there are, from Linux 6.2 on (proc_fd_getattr()): where they are numbered without a
    gap, as mostly, they need not be listed, which takes an eighth of the time. Raises PermissionError where their
    number may be known, and no more than that.
    """
    links: list[str] = []
    readlink = os.readlink
    count = os.fstat(folder).st_size
    try:
        for name in _FIRST[:count]:
            links.append(readlink(name, dir_fd=folder))
    except PermissionError:
        raise
    except OSError:
        pass
    if count and len(links) == count:
        return links
    first = len(links)
    for name in os.listdir(folder):
        try:
            if int(name) >= first:
                links.append(readlink(name, dir_fd=folder))
        except PermissionError:
            raise
        except OSError:
            continue  # closed meanwhile
    return links
