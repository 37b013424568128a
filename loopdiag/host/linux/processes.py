"""What a process is and does: proc_pid_status(5), prlimit(2), proc_pid_cgroup(5), proc_pid_wchan(5)."""

from __future__ import annotations

import os
import resource

TYPE_CHECKING = False  # begun by cli/head_start.py
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_CGROUP2 = ("sys/fs/cgroup", "sys/fs/cgroup/unified")  # where it is mounted: alone, or beside version 1
_FIRST_CGROUP_NAMESPACE = "cgroup:[4026531835]"
_STATUS = ("Name", "State", "PPid", "Uid", "Threads")
_FROZEN_BY_VERSION_1 = (None, "D")  # the state, or none that could be read; there it tells: __task_state_index()
_CONTAINER_ID = 64  # hexadecimal digits
WATCHES = "conmon-"  # before the ID: `libpod-conmon-ID`, `crio-conmon-ID` is who watches the container, outside of it
_AT_ONCE = 1 << 16  # bytes; all of such a file


class Processes:
    """Reads processes one after the other; what they have in common (users, parents, cgroups) is read once.

    In `brief`, what one sleeps in is read where nothing else would tell that it is frozen: a fifth of the time.
    """

    def __init__(self, root: str | os.PathLike[str] = "/", *, brief: bool = False) -> None:
        self._root = os.fspath(root).rstrip("/")
        self._brief = brief
        self._users: dict[int, str] | None = None
        self._names: dict[str, str | None] = {}  # of parents, by pid
        self._pids_are_ours = _is_ours(f"{self._root}/proc")
        self._cgroups: dict[str, tuple[str | None, bool | None]] = {}  # by what proc_pid_cgroup(5) says

    def tell(self, pid: int, descriptors: int | None = None) -> dict[str, Any]:
        """What can be read of a process, by the names of Process; what cannot, or of one that has ended, is None."""
        folder = f"{self._root}/proc/{pid}"
        status = _status(folder)
        uid = int(status["Uid"].split(maxsplit=1)[0]) if "Uid" in status else None
        parent = status.get("PPid")
        state = _state(status, folder)
        unit, frozen = self._of_cgroup(_text(f"{folder}/cgroup"))
        told = self._brief and frozen is not None and state not in _FROZEN_BY_VERSION_1
        waits_in = "" if told else _text(f"{folder}/wchan").strip()
        return {
            "pid": pid,
            "name": _unescaped(status.get("Name", "?")),
            "uid": uid,
            "user": None if uid is None else self._user(uid),
            "state": state,
            "parent": None if parent is None else int(parent),
            "parent_name": self._name(parent) if parent and parent != "0" else None,
            "descriptors": descriptors,
            "descriptor_limit": self._limit(pid, folder),
            "unit": unit,
            "frozen": bool(frozen),
            "waits_in": waits_in if waits_in not in ("", "0") else None,  # `0` stands for not allowed, or running
        }

    def _user(self, uid: int) -> str | None:
        """From the passwd file alone: a directory service could take its time, or be what is broken."""
        if self._users is None:
            lines = (line.split(":") for line in _text(f"{self._root}/etc/passwd").splitlines())
            self._users = {int(parts[2]): parts[0] for parts in lines if len(parts) > 3 and parts[2].isdecimal()}
        return self._users.get(uid)

    def _name(self, pid: str) -> str | None:
        if pid not in self._names:
            name = _status(f"{self._root}/proc/{pid}").get("Name")
            self._names[pid] = name and _unescaped(name)
        return self._names[pid]

    def _limit(self, pid: int, folder: str) -> int | None:
        """By prlimit(2), which takes a tenth of the time, where it is allowed and means the same process."""
        if self._pids_are_ours:
            try:
                soft = resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]
            except OSError:
                pass
            else:
                return None if soft == resource.RLIM_INFINITY else soft
        told = _text(f"{folder}/limits").partition("Max open files")[2].split(maxsplit=1)
        return int(told[0]) if told and told[0].isdecimal() else None

    def _of_cgroup(self, says: str) -> tuple[str | None, bool | None]:
        if says not in self._cgroups:
            self._cgroups[says] = (_unit(says), self._is_frozen(says))
        return self._cgroups[says]

    def _is_frozen(self, says: str) -> bool | None:
        """Whether the cgroup, or one above it, is frozen: cgroup.events of the kernel's cgroup-v2 document.

        None where that is not to be seen here. The root of all, which alone has no such file, cannot be frozen.
        """
        for line in says.splitlines():
            number, _, path = line.partition("::")
            if number == "0":
                folders = [f"{self._root}/{mount}/{path.lstrip('/')}" for mount in _CGROUP2]
                events = next(filter(None, (_text(f"{folder}/cgroup.events") for folder in folders)), None)
                if events:
                    return "frozen 1" in events.splitlines()
                return False if path == "/" and self._sees_all_cgroups() else None
        return None

    def _sees_all_cgroups(self) -> bool:
        """Whether `/` is the root of all, and not of a cgroup namespace: PROC_CGROUP_INIT_INO of Linux."""
        try:
            return os.readlink(f"{self._root}/proc/self/ns/cgroup") == _FIRST_CGROUP_NAMESPACE  # noqa: PTH115
        except OSError:
            return False


def _is_ours(proc: str) -> bool:
    """Whether its PIDs are those of our system calls: not where it is recorded, or of another PID namespace."""
    return _status(f"{proc}/self", ("NSpid",)).get("NSpid") == str(os.getpid())


def _status(folder: str, names: tuple[str, ...] = _STATUS) -> dict[str, str]:
    """Of some 60 lines those that matter here, in their order."""
    text = "\n" + _text(f"{folder}/status")
    found = {}
    after = 0
    for name in names:
        at = text.find(f"\n{name}:\t", after)
        if at >= 0:
            after = text.find("\n", at + 1)
            found[name] = text[at + len(name) + 3 : after]
    return found


def _unescaped(name: str) -> str:
    """The kernel writes a backslash and a line's end as two characters: proc_task_name()."""
    return "\\".join(part.replace("\\n", "\n") for part in name.split("\\\\"))


def _state(status: Mapping[str, str], folder: str) -> str | None:
    """The main thread's letter; a traced one counts as stopped only where no other thread goes on."""
    letter = status.get("State", "")[:1] or None
    if letter not in ("t", "Z") or status.get("Threads") == "1":
        return letter
    try:
        threads = [_status(f"{folder}/task/{one}").get("State", "")[:1] for one in _listed(f"{folder}/task")]
    except OSError:
        return letter
    return next((other for other in threads if other not in ("", "t", "T", "Z")), letter)


def _unit(says: str) -> str | None:
    """The container or systemd unit that the process's cgroup is named after: cgroups(7)."""
    for line in says.splitlines():
        names = line.split(":", 2)[-1].split("/")
        for name in names:
            container = _container(name.removesuffix(".scope"))
            if container:
                return f"container {container[:12]}"
        for name in reversed(names[-2:]):  # a service may have a cgroup of its own below that
            if name.endswith((".service", ".scope")):
                return name
    return None


def _container(name: str) -> str | None:
    """Its ID, of `docker-ID`, `cri-containerd-ID` or ID alone."""
    before, digits = name[:-_CONTAINER_ID], name[-_CONTAINER_ID:]
    is_id = len(digits) == _CONTAINER_ID and before[-1:] in ("", "-", "_") and not digits.strip("0123456789abcdef")
    return digits if is_id and not before.endswith(WATCHES) else None


def _listed(folder: str) -> list[str]:
    return os.listdir(folder)  # noqa: PTH208 - they are not needed as paths


def _text(path: str) -> str:
    """The whole file, empty where it cannot be read; an open() of Python's takes as long again as the kernel."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        data = part = os.read(file, _AT_ONCE)
        while len(part) == _AT_ONCE:  # shorter is the end, below /proc/PID too: single_open()
            part = os.read(file, _AT_ONCE)
            data += part
    except OSError:
        return ""  # it ended meanwhile
    finally:
        os.close(file)
    return data.decode(errors="replace")
