"""Which processes hold a socket, and what they are doing: proc_pid_fd(5), proc_pid_status(5), proc_pid_limits(5)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.host.linux.descriptors import search
from loopdiag.model.process import Process
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from loopdiag.host.linux.descriptors import Held

Owners = tuple[Process, ...] | Unknown
_CGROUP2 = ("sys/fs/cgroup", "sys/fs/cgroup/unified")  # where it is mounted: alone, or beside version 1
_CONTAINER = re.compile(r"(?:^|[/\-_])([0-9a-f]{64})(?:\.scope)?(?:/|$)")
_UNIT = re.compile(r"([^/]+\.(?:service|scope))(?:/[^/]*)?$")


def find_owners(
    inodes: Iterable[int], root: Path = Path("/"), searched: Callable[[], Held] | None = None
) -> Mapping[int, Owners]:
    """The processes that hold each of these sockets, ancestors first, in one pass over /proc/*/fd.

    Unknown where none is seen, with the right that would show it. Inode 0 (a connection that waits for accept())
    belongs to nobody. `searched` is a pass that was begun before.
    """
    wanted = {inode for inode in inodes if inode}
    if not wanted:
        return {}
    holders, hidden = _search(wanted, f"{root}/proc".replace("//", "/"), searched)
    users = _Users(root)
    sets = set(holders.values())
    known = {pid: read_process(pid, root, users) for pid in {pid for held in sets for pid in held}}
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
        mine = wanted.intersection(inodes)
        if mine:  # of few processes
            shared = {inode: (*holders[inode], pid) for inode in mine if inode in holders}
            holders.update(dict.fromkeys(mine, (pid,)))
            holders.update(shared)
    return holders


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


class _Users:
    """Names by uid from the passwd file alone: a directory service could take its time, or be what is broken."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[int, str] | None = None

    def name(self, uid: int) -> str | None:
        if self._names is None:
            self._names = dict(self._read())
        return self._names.get(uid)

    def _read(self) -> Iterator[tuple[int, str]]:
        try:
            lines = (self._root / "etc/passwd").read_text(errors="replace").splitlines()
        except OSError:
            return
        for line in lines:
            columns = line.split(":")
            if len(columns) > 3 and columns[2].isdecimal():
                yield int(columns[2]), columns[0]


def read_process(pid: int, root: Path = Path("/"), users: _Users | None = None) -> Process:
    """What can be read of a process; what cannot, or of one that has ended, is None."""
    folder = root / "proc" / str(pid)
    status = dict(_status(folder))
    uid = int(status["Uid"].split()[0]) if "Uid" in status else None
    parent = int(status["PPid"]) if "PPid" in status else None
    return Process(
        pid=pid,
        name=status.get("Name", "?"),
        uid=uid,
        user=(users or _Users(root)).name(uid) if uid is not None else None,
        state=_state(status, folder),
        parent=parent,
        parent_name=dict(_status(root / "proc" / str(parent))).get("Name") if parent else None,
        descriptors=_count(folder / "fd"),
        descriptor_limit=_limit(folder),
        unit=_unit(folder),
        frozen=_is_frozen(folder, root),
        waits_in=_waits_in(folder),
    )


def _status(folder: Path) -> Iterator[tuple[str, str]]:
    for line in _text(folder / "status").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name, value.strip()


def _state(status: Mapping[str, str], folder: Path) -> str | None:
    """The main thread's letter; a traced one counts as stopped only where no other thread goes on."""
    letter = status.get("State", "")[:1] or None
    if letter not in ("t", "Z") or status.get("Threads") == "1":
        return letter
    try:
        threads = [dict(_status(task)).get("State", "")[:1] for task in (folder / "task").iterdir()]
    except OSError:
        return letter
    return next((other for other in threads if other not in ("", "t", "T", "Z")), letter)


def _count(folder: Path) -> int | None:
    """The kernel tells it as the folder's size, from Linux 6.2 on: proc_fd_getattr(). A recorded one is counted."""
    try:
        told = folder.stat().st_size if folder.is_relative_to("/proc") else 0
        return told or len(os.listdir(folder))  # noqa: PTH208 - the names are not needed
    except OSError:
        return None


def _limit(folder: Path) -> int | None:
    for line in _text(folder / "limits").splitlines():
        if line.startswith("Max open files"):
            soft = line[len("Max open files") :].split()[0]
            return int(soft) if soft.isdecimal() else None
    return None


def _unit(folder: Path) -> str | None:
    """The container or systemd unit that the process's cgroup is named after: cgroups(7)."""
    for line in _text(folder / "cgroup").splitlines():
        path = line.split(":", 2)[-1]
        container = _CONTAINER.search(path)
        if container:
            return f"container {container[1][:12]}"
        unit = _UNIT.search(path)
        if unit:
            return unit[1]
    return None


def _is_frozen(folder: Path, root: Path) -> bool:
    """Whether its cgroup, or one above it, is frozen: cgroup.events of the kernel's cgroup-v2 document."""
    for line in _text(folder / "cgroup").splitlines():
        number, _, path = line.partition("::")
        if number == "0":
            return any(
                "frozen 1" in _text(root / mount / path.lstrip("/") / "cgroup.events").splitlines()
                for mount in _CGROUP2
            )
    return False


def _waits_in(folder: Path) -> str | None:
    """The kernel function that the main thread sleeps in; `0` stands for not allowed, or running."""
    name = _text(folder / "wchan").strip()
    return name if name not in ("", "0") else None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
