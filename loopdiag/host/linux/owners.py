"""Which processes hold a socket: proc_pid_fd(5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.host.linux.ahead import ahead
from loopdiag.host.linux.descriptors import search
from loopdiag.host.linux.processes import Processes
from loopdiag.model.process import Process
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Mapping

    from loopdiag.host.linux.descriptors import Held

Owners = tuple[Process, ...] | Unknown
_MANY = 200  # processes; one is read within 0.1 ms, and a child takes some milliseconds


def find_owners(
    inodes: Iterable[int], root: str | os.PathLike[str] = "/", searched: Callable[[], Held] | None = None
) -> Mapping[int, Owners]:
    """The processes that hold each of these sockets, ancestors first, in one pass over /proc/*/fd.

    Unknown where none is seen, with the right that would show it. Inode 0 (a connection that waits for accept())
    belongs to nobody. `searched` is a pass that was begun before.
    """
    wanted = {inode for inode in inodes if inode}
    if not wanted:
        return {}
    holders, hidden = _search(wanted, f"{root}/proc".replace("//", "/"), searched)
    sets = set(holders.values())
    known = _read({pid for held in sets for pid in held}, Processes(root))
    ordered = {held: tuple(_ancestors_first([known[pid] for pid in held])) for held in sets}
    unseen = _unseen(hidden)
    return {inode: ordered[holders[inode]] if inode in holders else unseen for inode in wanted}


def _search(
    wanted: set[int], proc: str, searched: Callable[[], Held] | None
) -> tuple[dict[int, tuple[int, ...]], bool]:
    """Who holds each that is held, and whether some process would not let its descriptors be read."""
    if searched:
        held, hidden = searched()
        holders = _holders(wanted, held)
        if len(holders) == len(wanted):
            return holders, hidden
    held, hidden = search(proc)  # what is missing may have been opened since that other pass came by
    return _holders(wanted, held), hidden


def _holders(wanted: set[int], held: Mapping[int, list[int]]) -> dict[int, tuple[int, ...]]:
    holders: dict[int, tuple[int, ...]] = {}
    for pid, inodes in held.items():
        for inode in inodes:
            if inode in wanted:
                others = holders.get(inode, ())
                if pid not in others:
                    holders[inode] = (*others, pid)
    return holders


def _read(pids: Collection[int], processes: Processes) -> dict[int, Process]:
    """Each process by its pid; of many, every other one is read on another core."""
    if len(pids) < _MANY:
        return {pid: processes.read(pid) for pid in pids}
    mine, others = sorted(pids)[::2], sorted(pids)[1::2]
    begun = ahead(lambda: list(map(processes.tell, others)))
    told = [*map(processes.tell, mine), *begun()]
    return {one["pid"]: Process(**one) for one in told}


def _unseen(hidden: bool) -> Unknown:
    if hidden:
        return Unknown(
            "owners of sockets",
            "the open files of other users' processes are hidden: root (CAP_SYS_PTRACE) would see them",
        )
    return Unknown(
        "owners of sockets",
        "no process that is visible here holds the socket: the kernel does, or a process of another PID namespace",
    )


def _ancestors_first(processes: list[Process]) -> list[Process]:
    if len(processes) == 1:
        return processes
    pids = {process.pid for process in processes}
    return sorted(processes, key=lambda process: process.parent in pids)
