"""Which sockets each process has open: one pass over /proc/*/fd, proc_pid_fd(5)."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # begun by cli/head_start.py
if TYPE_CHECKING:
    from collections.abc import Iterable

# how many files each process that has sockets has open, and the inodes of these, by pid; and whether some process would
# not let its descriptors be read
Held = tuple[dict[int, tuple[int, list[int]]], bool]
_PREFIX = b"socket:["
_FIRST = [b"%d" % number for number in range(1024)]


def search(proc: str = "/proc", pids: Iterable[int] | None = None, *, moving: bool = False) -> Held:
    """All sockets that are open in a process that can be seen here, or in one of `pids`.

    With `moving` each folder becomes the working directory in its turn: an eighth of the time less. The last stays it.
    """
    held: dict[int, tuple[int, list[int]]] = {}
    hidden = False
    if pids is None:
        pids = numbers(proc)
        hidden = is_hidden(pids)
    for pid in pids:
        try:
            count, sockets = _sockets_of(f"{proc}/{pid}/fd", moving)
            if not count:
                count, sockets = _of_other_threads(f"{proc}/{pid}")
        except PermissionError:
            hidden = True
        except OSError:
            continue  # it ended meanwhile
        else:
            if sockets:
                held[pid] = count, sockets
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


def _of_other_threads(process: str) -> tuple[int, list[int]]:
    """Where the main thread has ended, its files are seen by the other threads alone; kernel threads have none."""
    for thread in os.listdir(f"{process}/task"):  # noqa: PTH208
        if not process.endswith(f"/{thread}"):
            count, sockets = _sockets_of(f"{process}/task/{thread}/fd", moving=False)
            if sockets:
                return count, sockets
    return 0, []


def _sockets_of(path: str, moving: bool) -> tuple[int, list[int]]:
    """How many files are open, and inodes of the sockets; one that is open twice is there twice."""
    if moving:
        os.chdir(path)
        links = _links(None)
    else:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)  # so that the kernel need not walk there for every link
        try:
            links = _links(folder)
        finally:
            os.close(folder)
    cut = len(_PREFIX)
    return len(links), [int(link[cut:-1]) for link in links if link.startswith(_PREFIX)]


def _links(folder: int | None) -> list[bytes]:
    """What is open; None is the working directory. These loops run once for every open file of the machine.

    The folder's size is how many there are, from Linux 6.2 on (proc_fd_getattr()): where they are numbered without a
    gap, as mostly, they need not be listed, which takes an eighth of the time. Raises PermissionError where their
    number may be known, and no more than that.
    """
    links: list[bytes] = []
    readlink = os.readlink
    count = os.stat("." if folder is None else folder).st_size  # noqa: PTH116 - by far the slower way
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
    for listed in os.listdir("." if folder is None else folder):  # noqa: PTH208
        try:
            if int(listed) >= first:
                links.append(readlink(listed.encode(), dir_fd=folder))
        except PermissionError:
            raise
        except OSError:
            continue  # closed meanwhile
    return links
