"""Lay the resolver's files of another place over this host's, for this process alone: mount_namespaces(7).

Everything that resolves names then goes by them, getaddrinfo(3) and getent(1) included, and nothing of it is left when
the process ends. They are copies: a bind mount cannot cross mount namespaces.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

File = tuple[int, bytes]  # its mode, and what is in it

FILES = ("/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/gai.conf", "/etc/host.conf")
CACHES = ("/run/nscd", "/var/run/nscd")  # nscd(8) of this host would answer from this host's files
CLONE_NEWNS = 0x00020000  # linux/sched.h
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_SLAVE, MNT_DETACH = 0x2, 0x4, 0x1000, 0x4000, 0x80000, 0x2
MOST = 16 << 20  # bytes of one file
PATIENCE = 3.0  # seconds
_SPOTS = ("/tmp", "/mnt", "/run", "/var/tmp", "/srv")  # noqa: S108 - a folder to mount over for a moment


def files_of_process(pid: int) -> dict[str, File | None]:
    """The files as the process `pid` sees them, None for what it does not have. Raises OSError.

    A child changes its root to that of the process, so that links lead where they lead there.
    """
    import marshal

    from loopdiag.cli.child import in_child

    try:
        told = marshal.loads(in_child(lambda: marshal.dumps(_seen_by(pid)), PATIENCE))  # noqa: S302 - from our own
    except (EOFError, ValueError, TypeError):
        raise OSError(errno.EIO, "the files could not be read") from None
    if isinstance(told, int):
        raise OSError(told, os.strerror(told))
    found: dict[str, File | None] = told
    return found


def _seen_by(pid: int) -> dict[str, File | None] | int:
    """The files, or the number of the error. Changes the root of this process."""
    try:
        os.chroot(f"/proc/{pid}/root")
        os.chdir("/")
        return {path: _read(path) for path in FILES}
    except OSError as fault:
        return fault.errno or errno.EIO


def files_of_name(name: str) -> dict[str, File | None]:
    """Those of /etc/netns/NAME, which ip-netns(8) lays over too; what is not there stays as it is."""
    found = {path: _read(f"/etc/netns/{name}/{path.removeprefix('/etc/')}") for path in FILES}
    return {path: file for path, file in found.items() if file is not None}


def _read(path: str) -> File | None:
    """None for what is no file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return None
        data = bytearray()
        while len(data) < MOST and (piece := os.read(handle, 1 << 20)):
            data += piece
        return status.st_mode & 0o777, bytes(data)
    finally:
        os.close(handle)


def lay(files: Mapping[str, File | None]) -> list[str]:
    """Lay them over this host's, an empty one for None; returns the paths that this host does not have.

    Raises OSError. Must be called before any thread is started.
    """
    targets = {path: os.path.realpath(path) for path in files}
    over = {path: target for path, target in targets.items() if os.path.isfile(target)}  # noqa: PTH113
    _call("unshare", CLONE_NEWNS)
    _mount(None, "/", None, MS_REC | MS_SLAVE)
    spot = _spot(over.values())
    _mount("loopdiag", spot, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    try:
        for number, (path, target) in enumerate(over.items()):
            copy = f"{spot}/{number}"
            _write(copy, files[path] or (0o644, b""))
            _mount(copy, target, None, MS_BIND)
    finally:
        _call("umount2", spot.encode(), MNT_DETACH)  # what is bound to files stays
    for cache in CACHES:
        if os.path.isdir(cache):  # noqa: PTH112
            with contextlib.suppress(OSError):
                _mount("loopdiag", cache, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    return [path for path in files if path not in over and files[path] is not None]


def _spot(targets: Collection[str]) -> str:
    """A folder with none of the targets in it. Raises OSError."""
    for one in _SPOTS:
        if os.path.isdir(one) and not any(target.startswith(f"{one}/") for target in targets):  # noqa: PTH112
            return one
    raise OSError(errno.ENOTDIR, "no folder to mount over")


def _write(path: str, file: File) -> None:
    mode, data = file
    with open(path, "wb") as writing:  # noqa: PTH123
        writing.write(data)
    os.chmod(path, mode)  # noqa: PTH101


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    words = [None if word is None else word.encode() for word in (source, target, kind)]
    _call("mount", *words, flags, None if options is None else options.encode())


def _call(name: str, *arguments: int | bytes | None) -> None:
    import ctypes

    typed = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*typed) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
