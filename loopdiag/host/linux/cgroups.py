"""BPF programs on the cgroups of a process, which can refuse what it does with sockets. cgroups(7), bpf(2)."""

from __future__ import annotations

import errno
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from loopdiag.host.linux.bpf import attached, program_name
from loopdiag.model.limits import CgroupProgram
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

WHAT = "BPF programs on cgroups"
# enum bpf_attach_type of linux/bpf.h, those that can refuse a socket's doings
ATTACH_TYPES = {
    "inet_ingress": 0, "inet_egress": 1, "sock_create": 2, "inet4_bind": 8, "inet6_bind": 9, "inet4_connect": 10,
    "inet6_connect": 11, "inet4_post_bind": 12, "inet6_post_bind": 13, "udp4_sendmsg": 14, "udp6_sendmsg": 15,
    "udp4_recvmsg": 19, "udp6_recvmsg": 20, "setsockopt": 22,
}  # fmt: skip


def read_cgroup_programs(
    pid: int | None = None, process: str | None = None, root: Path = Path("/")
) -> tuple[CgroupProgram, ...] | Unknown:
    """The programs on the cgroup of `pid` (None: of this process) and on all above it, the outermost first.

    `process` is how the programs' owner is called in the result.
    """
    try:
        folders = tuple(_folders(f"{pid}" if pid else "self", root))
    except OSError as fault:
        return Unknown(WHAT, f"the cgroup of process {pid or 'self'} cannot be read: {fault.strerror}")
    found: list[CgroupProgram] = []
    for path, name in folders:
        try:
            found.extend(_programs(path, name, process))
        except FileNotFoundError:
            continue  # a cgroup above is not mounted here, or ended meanwhile
        except OSError as fault:
            return Unknown(WHAT, _because(fault))
    return tuple(found)


def _because(fault: OSError) -> str:
    if fault.errno in (errno.EPERM, errno.EACCES):
        return "reading them needs CAP_BPF and CAP_NET_ADMIN (root)"
    if fault.errno in (errno.ENOSYS, errno.EINVAL):
        return "this kernel cannot tell them (bpf(2) with BPF_PROG_QUERY)"
    return f"bpf(2) answered {fault.strerror}"


def _programs(path: Path, name: str, process: str | None) -> Iterator[CgroupProgram]:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for attach_type, number in ATTACH_TYPES.items():
            for program in attached(folder, number):
                yield CgroupProgram(cgroup=name, attach_type=attach_type, id=program, name=program_name(program),
                                    process=process)  # fmt: skip
    finally:
        os.close(folder)


def _folders(process: str, root: Path) -> Iterator[tuple[Path, str]]:
    """The directory and the name of each cgroup from the top of the hierarchy down to that of the process."""
    lines = (root / "proc" / process / "cgroup").read_text().splitlines()
    own = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), None)
    mount = _mount(root)
    if own is None or mount is None:
        return
    at, top = mount
    path = PurePosixPath(own.removesuffix(" (deleted)"))
    below = path.relative_to(top).parts if path.is_relative_to(top) else ()
    for depth in range(len(below) + 1):
        yield root / at.lstrip("/") / Path(*below[:depth]), str(PurePosixPath(top, *below[:depth]))


def _mount(root: Path) -> tuple[str, str] | None:
    """Where the cgroup2 hierarchy is mounted, and which cgroup is at that place: mountinfo in proc(5)."""
    for line in (root / "proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if after.startswith("cgroup2 ") and len(fields) > 4:
            return fields[4], fields[3]
    return None
