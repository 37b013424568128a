"""A cgroup of the lab's own, with a BPF program on it that refuses: bpf(2), and the kernel's cgroup-v2 document.

A cgroup cannot be had in a namespace alone: its folder is made on the machine and removed when the scenario ends. One
that a killed run left behind is empty, and goes at the next run.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.lab.building import CannotBuildError

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME_IN = "LOOPDIAG_LAB_CGROUP"  # the variable that tells the inside which name is its own
_PREFIX = "loopdiag-lab-"
_BPF = {"x86_64": 321, "aarch64": 280}  # asm/unistd.h
_PROG_LOAD, _PROG_ATTACH = 5, 8  # linux/bpf.h: enum bpf_cmd
_SKB, _SOCK, _SOCK_ADDR = 8, 9, 18  # enum bpf_prog_type: BPF_PROG_TYPE_CGROUP_*
_TYPES = {  # enum bpf_attach_type
    "ingress": (0, _SKB), "egress": (1, _SKB), "sock_create": (2, _SOCK), "bind4": (8, _SOCK_ADDR),
    "bind6": (9, _SOCK_ADDR), "connect4": (10, _SOCK_ADDR), "connect6": (11, _SOCK_ADDR),
    "sendmsg4": (14, _SOCK_ADDR), "sendmsg6": (15, _SOCK_ADDR),
}  # fmt: skip
_REFUSE = struct.pack("<BBhi", 0xB7, 0, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0)  # r0 = 0; exit


def denying_cgroup(kinds: Sequence[str]) -> Path:
    """A fresh cgroup with a refusing program for each of `kinds`; raises CannotBuildError."""
    root = hierarchy()
    if root is None:
        raise CannotBuildError("this machine has no cgroup2 hierarchy")
    folder = root / os.environ[NAME_IN]
    try:
        folder.mkdir()
        for kind in kinds:
            _attach(folder, kind)
    except OSError as fault:
        raise CannotBuildError(f"no cgroup with a program on it: {fault.strerror}") from None
    except KeyError:
        raise CannotBuildError(f"a cgroup can refuse {', '.join(_TYPES)}, not {' '.join(kinds)}") from None
    return folder


def hierarchy() -> Path | None:
    """Where the cgroup2 hierarchy is mounted; None where it is not."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(where)
    return None


def name_for(number: int) -> str:
    """The name of the cgroup of this process's scenario `number`."""
    return f"{_PREFIX}{os.getpid()}-{number}"


def remove(name: str) -> None:
    """Remove the cgroup called `name`, if there is one, and those of runs that are dead."""
    root = hierarchy()
    if root is None:
        return
    if (root / name).exists():
        _remove(root / name)
    for other in root.glob(f"{_PREFIX}*"):
        pid = other.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            _remove(other)


def _remove(folder: Path) -> None:
    """The kernel may still count a process that has just ended."""
    for _ in range(200):
        with contextlib.suppress(FileNotFoundError):
            try:
                folder.rmdir()
            except OSError:
                time.sleep(0.01)
                continue
        return


def _attach(folder: Path, kind: str) -> None:
    attach_type, program_type = _TYPES[kind]
    code = ctypes.create_string_buffer(_REFUSE, len(_REFUSE))
    licence = ctypes.create_string_buffer(b"GPL")
    load = struct.pack("IIQQIIQII16sII", program_type, 2, ctypes.addressof(code), ctypes.addressof(licence), 0, 0, 0,
                       0, 0, b"lab_refuses", 0, attach_type)  # fmt: skip
    program = _bpf(_PROG_LOAD, load)
    target = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _bpf(_PROG_ATTACH, struct.pack("IIII", target, program, attach_type, 0))
    finally:
        os.close(target)
        os.close(program)


def _bpf(command: int, attribute: bytes) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(attribute, len(attribute))
    result = int(libc.syscall(_BPF[platform.machine()], command, held, ctypes.c_size_t(len(attribute))))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
