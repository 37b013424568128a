"""TCP sockets that are bound and do nothing else, on kernels whose sock_diag(7) does not list them: before Linux 6.8.

They are found through the processes that have them open: a TCP socket that no list of the kernel names is copied for a
moment (pidfd_getfd(2), Linux 5.6) and asked for its name.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.host.linux.sock_diag import MAPPED, read_inet_sockets
from loopdiag.model.socket import Socket
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

WHAT = "TCP sockets that are bound without listening"
LISTED_FROM = (6, 8)  # TCP_BOUND_INACTIVE of linux/tcp_states.h
_GETFD = 438  # pidfd_getfd: asm-generic/unistd.h, the same on every architecture
_SO_COOKIE, _CLOSE = 57, 7  # asm-generic/socket.h, linux/tcp_states.h
_CLOSED_TO_US = (errno.EPERM, errno.EACCES, errno.ENOSYS)
_PROTOCOL = "system.sockprotoname"  # an attribute that every socket's file has: net/socket.c
_COUNTS = re.compile(r"^TCP6?: inuse (\d+)(?:.* alloc (\d+))?", re.MULTILINE)


def read_unlisted(
    port: int | None = None, *, release: str | None = None, root: Path = Path("/")
) -> tuple[Socket, ...] | Unknown:
    """Those of this network namespace, on `port` where one is given; nothing where the kernel lists them itself.

    Unknown where none was found and not every process's descriptors could be looked at. `release` is the kernel's.
    """
    kernel = release or os.uname().release
    if _version(kernel) >= LISTED_FROM or all_listed(root):
        return ()
    try:
        listed = {one.inode for one in read_inet_sockets("tcp")}
        found, hidden = search(listed)
    except (OSError, ValueError) as fault:
        return Unknown(WHAT, f"Linux {kernel} does not list them (6.8 does), nor what else there is: {fault}")
    wanted = tuple(one for one in found if port in (None, one.port))
    if hidden and not wanted:
        return Unknown(
            WHAT,
            f"Linux {kernel} does not list them (6.8 does), and not every process's own may be looked at: root "
            "(CAP_SYS_PTRACE) could",
        )
    return wanted


def all_listed(root: Path = Path("/")) -> bool:
    """Whether the machine has no more TCP sockets than this namespace's lists hold: sockstat in proc_pid_net(5)."""
    text = ""
    for name in ("sockstat", "sockstat6"):
        with suppress(OSError):
            text += (root / "proc/thread-self/net" / name).read_text()
    counts = _COUNTS.findall(text)
    there = sum(int(alloc or 0) for _, alloc in counts)  # of all namespaces and both families together
    return bool(counts) and there <= sum(int(inuse) for inuse, _ in counts)


def _version(release: str) -> tuple[int, int]:
    numbers = re.match(r"(\d+)\.(\d+)", release)
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def search(listed: Collection[int]) -> tuple[list[Socket], bool]:
    """What the processes of this namespace have open of that kind, and whether some of it is hidden."""
    found: dict[int, Socket] = {}
    hidden = False
    here = _namespace("thread-self")
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()):  # noqa: PTH208
        try:
            for number in _strange(pid, listed):
                if _namespace(str(pid)) == here:
                    one = _told(pid, number)
                    if one:
                        found[one.inode] = one
        except OSError as fault:  # another: it ended meanwhile, or closed the socket
            hidden = hidden or fault.errno in _CLOSED_TO_US
    return list(found.values()), hidden


def _namespace(process: str) -> int:
    return os.stat(f"/proc/{process}/ns/net").st_ino  # noqa: PTH116


def _strange(pid: int, listed: Collection[int]) -> Iterator[int]:
    """The descriptors of a process that are TCP sockets which no list names. Raises OSError."""
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):  # noqa: PTH208
        path = f"{folder}/{name}"
        with suppress(FileNotFoundError):
            link = os.readlink(path)  # noqa: PTH115
            if link.startswith("socket:[") and int(link[8:-1]) not in listed and _is_tcp(path):
                yield int(name)


def _is_tcp(path: str) -> bool:
    try:
        return os.getxattr(path, _PROTOCOL).startswith(b"TCP")
    except OSError:
        return False


def _told(pid: int, number: int) -> Socket | None:
    """What a copy of the descriptor says; None where it is not bound, or is connected. Raises OSError."""
    with socket.socket(fileno=_copied(pid, number)) as copy:
        if copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _CLOSE:
            return None
        return describe(copy)


def describe(one: socket.socket) -> Socket | None:
    """A socket that is bound and neither listens nor is connected, as sock_diag would tell it; None without a port."""
    address, port = one.getsockname()[:2]
    if not port:
        return None
    status = os.fstat(one.fileno())
    return Socket(
        protocol="tcp", state="BOUND", address=_plain(one.family, address), port=port, families=_families(one, address),
        device=one.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0").decode() or None,
        uid=status.st_uid, inode=status.st_ino,
        cookie=int.from_bytes(one.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, 8), "little"),
    )  # fmt: skip


def _plain(family: int, address: str) -> str:
    """Without a zone; a mapped address as the IPv4 address that it serves."""
    bare = address.partition("%")[0]
    raw = socket.inet_pton(family, bare)
    return socket.inet_ntop(socket.AF_INET, raw[12:]) if raw.startswith(MAPPED) else bare


def _families(one: socket.socket, address: str) -> tuple[str, ...]:
    if one.family == socket.AF_INET or "." in address:
        return ("ipv4",)
    if address == "::" and not one.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
        return ("ipv4", "ipv6")
    return ("ipv6",)


def _copied(pid: int, number: int) -> int:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        call: Callable[..., int] = libc.syscall
        copy = call(ctypes.c_long(_GETFD), ctypes.c_int(process), ctypes.c_int(number), ctypes.c_uint(0))
    finally:
        os.close(process)
    if copy < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return copy
