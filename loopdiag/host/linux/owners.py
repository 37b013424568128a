"""Which processes hold a socket: proc_pid_fd(5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.host.linux.descriptors import search
from loopdiag.host.linux.holders import holders
from loopdiag.host.linux.processes import Processes
from loopdiag.model.process import Process
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loopdiag.host.linux.holders import Holders

Owners = tuple[Process, ...] | Unknown


def find_owners(inodes: Iterable[int], root: str | os.PathLike[str] = "/") -> Mapping[int, Owners]:
    """The processes that hold each of these sockets, ancestors first, in one pass over /proc/*/fd.

    Unknown where none is seen, with the right that would show it. Inode 0 (a connection that waits for accept())
    belongs to nobody.
    """
    wanted = {inode for inode in inodes if inode}
    if not wanted:
        return {}
    return by_inode(wanted, [holders(search(f"{root}/proc".replace("//", "/")), wanted, Processes(root))])


def by_inode(wanted: Iterable[int], found: Sequence[Holders]) -> Mapping[int, Owners]:
    """The same of what was found in parts. Sockets with the same owners have one tuple of them in common."""
    unseen = _unseen(any(hidden for _, _, hidden in found))
    owners: dict[int, Owners] = dict.fromkeys(wanted, unseen)
    known = {one["pid"]: Process(**one) for _, processes, _ in found for one in processes}
    holding = sorted((pid, inodes) for part, _, _ in found for pid, inodes in part.items())
    for pid, inodes in holding:
        owners.update(dict.fromkeys(inodes, (known[pid],)))
    owners.update(_shared(holding, known))
    return owners


def _shared(holding: Sequence[tuple[int, list[int]]], known: Mapping[int, Process]) -> Iterator[tuple[int, Owners]]:
    """Those with more than one owner."""
    seen: set[int] = set()
    twice: set[int] = set()
    for _, inodes in holding:
        twice |= seen.intersection(inodes)
        seen.update(inodes)
    pids: dict[int, tuple[int, ...]] = {}
    for pid, inodes in holding if twice else ():
        for inode in twice.intersection(inodes):
            pids[inode] = (*pids.get(inode, ()), pid)
    owners = {held_by: _ancestors_first([known[pid] for pid in held_by]) for held_by in set(pids.values())}
    return ((inode, owners[held_by]) for inode, held_by in pids.items())


def _unseen(hidden: bool) -> Unknown:
    if hidden:
        return Unknown(
            "owners of sockets",
            "other users' processes or their open files are hidden: root (CAP_SYS_PTRACE) would see them",
        )
    return Unknown(
        "owners of sockets",
        "no process that is visible here has the socket among its open files: the kernel may hold it, a process of "
        "another PID namespace, or one thread alone",
    )


def _ancestors_first(processes: list[Process]) -> tuple[Process, ...]:
    pids = {process.pid for process in processes}
    return tuple(sorted(processes, key=lambda process: process.parent in pids))
