"""Sockets in the other network namespaces of this machine: network_namespaces(7), setns(2), ip-netns(8).

A namespace is entered in a thread of its own, so that the rest of the program stays where it is. Where that is not
permitted, /proc/PID/net of a process in it tells the same, and no privilege is needed for it.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from loopdiag.host.linux.proc_net import read_socket_files
from loopdiag.host.linux.sock_diag import LISTENING, read_inet_sockets
from loopdiag.model.unknown import Unknown
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loopdiag.model.socket import Socket

CLONE_NEWNET = 0x40000000  # linux/sched.h
_OCTAL = re.compile(r"\\([0-7]{3})")  # how a space and the like are written there: proc_pid_mountinfo(5)
NAMED = "run/netns"  # where `ip netns` mounts them


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace by a way into it: a process in it, or a file that it is mounted on."""

    name: str  # of `ip netns`, or net:[inode] as the kernel writes it
    path: str
    pid: int | None
    way_in: str | int  # its name of `ip netns`, else a process in it, else the path


def read_sockets_elsewhere(
    *, port: int | None = None, protocols: tuple[str, ...] = ("tcp", "udp"), root: Path = Path("/")
) -> tuple[Socket, ...] | Unknown:
    """Listeners and UDP sockets in all other network namespaces, each with its `namespace`; without owners.

    Unknown where none was found and some namespace could not be looked into.
    """
    found: list[Socket] = []
    closed: list[str] = []
    others = list(other_namespaces(root))

    def look() -> None:
        for one in others:
            try:
                here, _ = sockets_in(one, port, protocols, root)
            except OSError:
                if not has_ended(one, root):
                    closed.append(one.name)
                continue
            found.extend(replace(each, namespace=one.name, way_in=one.way_in) for each in here)

    thread = Thread(target=look, name="namespaces")
    thread.start()
    thread.join()
    if closed and not found:
        return Unknown(
            "sockets of other network namespaces",
            f"{len(closed)} of them may not be entered ({closed[0]}): root (CAP_SYS_ADMIN) could",
        )
    return tuple(found)


def has_ended(one: Namespace, root: Path = Path("/")) -> bool:
    """It cannot be entered since the process by which it was found is no more."""
    return one.pid is not None and not (root / "proc" / str(one.pid)).exists()


def other_namespaces(root: Path = Path("/")) -> Iterator[Namespace]:
    """Each network namespace but the calling thread's, once, in which a process is or which is mounted on a file."""
    proc = root / "proc"
    names = _names(root)
    own = (root / NAMED, root / "var" / NAMED)
    seen = {_identity(proc / "thread-self/ns/net"), None}
    tables = {_table(f"{proc}/thread-self"), None}
    for pid in sorted(int(entry) for entry in os.listdir(proc) if entry.isdecimal()):  # noqa: PTH208
        table = _table(f"{proc}/{pid}")
        if table in tables:
            continue
        tables.add(table)
        path = proc / str(pid) / "ns/net"
        identity = _identity(path)
        if identity is None or identity not in seen:
            seen.add(identity)
            named = names.get(identity) if identity else None
            way_in = named[0] if named and named[1].parent in own else pid
            yield Namespace(_name(identity, names, pid), str(path), pid, way_in)
    for identity, (name, path) in names.items():
        if identity not in seen:
            yield Namespace(name, str(path), None, name if path.parent in own else str(path))


def _identity(path: Path | str) -> int | None:
    """The inode of a namespace; None where it may not be seen."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - asked of every process: a Path for each would cost more
    except OSError:
        return None


def _table(process: str) -> int | None:
    """The inode of /proc/PID/net/protocols, which each network namespace has one of and anybody may see."""
    return _identity(f"{process}/net/protocols")


def _name(identity: int | None, names: dict[int | None, tuple[str, Path]], pid: int) -> str:
    if identity is None:
        return f"the namespace of pid {pid}"
    return names[identity][0] if identity in names else f"net:[{identity}]"


def _names(root: Path) -> dict[int | None, tuple[str, Path]]:
    """Namespaces that are mounted on a file, by identity: their name and the file.

    The name is the file's; the whole path where another namespace is called so too and `ip netns` does not know it.
    """
    files: dict[int | None, Path] = {}
    for path in _mounted(root):
        files.setdefault(_identity(path), path)
    taken = Counter(path.name for path in files.values())
    return {
        identity: (path.name if taken[path.name] == 1 or path.parent == root / NAMED else str(path), path)
        for identity, path in files.items()
    }


def _mounted(root: Path) -> Iterator[Path]:
    """The files that network namespaces are mounted on: those of `ip netns`, and nsfs mounts such as Docker's."""
    with contextlib.suppress(OSError):
        yield from (root / NAMED).iterdir()
    try:
        lines = (root / "proc/thread-self/mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        columns = line.split()
        if " - nsfs " in line and len(columns) > 4 and columns[3].startswith("net:["):
            yield root / _OCTAL.sub(lambda code: chr(int(code[1], 8)), columns[4]).lstrip("/")


def sockets_in(
    one: Namespace, port: int | None, protocols: Iterable[str], root: Path = Path("/")
) -> tuple[list[Socket], bool]:
    """Its listeners and UDP sockets, and whether the calling thread was moved into it: it is, where that is permitted.

    Raises OSError where the namespace is closed to this process.
    """
    try:
        enter(one.path)
    except OSError:
        entered = False
    else:
        entered = True
        try:
            return [found for protocol in protocols
                    for found in read_inet_sockets(protocol, port=port, states=LISTENING[protocol])
                    if port in (None, found.port)], True  # fmt: skip
        except (OSError, ValueError, struct.error):
            pass
    if one.pid is None:
        raise OSError(f"{one.name} cannot be looked into")
    files = root / "proc" / str(one.pid) / "net"
    return [found for found in read_socket_files(files, tuple(protocols), port=port, listening=True)
            if port in (None, found.port)], entered  # fmt: skip


def enter(path: str) -> None:
    """Move the calling thread into the network namespace that `path` names; raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # what is no namespace may be a FIFO
    try:
        if hasattr(os, "setns"):  # from Python 3.12
            os.setns(handle, CLONE_NEWNET)
            return
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(handle, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(handle)
