"""Step into another network namespace before anything is asked: `--netns`, `--pid`, `--container`.

This process alone moves, with the program of the host: nothing needs to be in the container. Of a process's
namespaces it enters the network and the host name; of its files it takes over those that names are resolved by.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import TYPE_CHECKING

from loopdiag.model.errors import LoopdiagError, UsageError
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loopdiag.cli.laying import File
    from loopdiag.model.space import Container

CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWUSER = 0x40000000, 0x04000000, 0x10000000  # linux/sched.h
_OF_PROCESS = re.compile(r"/proc/(\d+)/ns/net")
_NAMED = re.compile(r"(?:/var)?/run/netns/([^/]+)")


def enter(netns: str | None, pid: int | None, container: str | None = None) -> tuple[Unknown, ...]:
    """Move this process into the network namespace named; returns what could not be taken over.

    Raises UsageError for what is not there, LoopdiagError where it may not be entered.
    """
    if sum(1 for one in (netns, pid, container) if one is not None) > 1:
        raise UsageError("--netns, --pid and --container exclude each other")
    if sys.platform != "linux":
        raise LoopdiagError("network namespaces are a thing of Linux, so --netns, --pid and --container are too")
    gaps: tuple[Unknown, ...] = ()
    if container is not None:
        found, gaps = _found(container)
        pid = found.pid
    wanted = f"container '{container}'" if container else f"process {pid}" if pid else f"network namespace '{netns}'"
    of_process = _OF_PROCESS.fullmatch(netns or "")
    if pid or of_process:
        number = pid or int(of_process[1] if of_process else 0)
        if container is not None and not os.path.exists(f"/proc/{number}"):  # noqa: PTH110
            raise UsageError(f"{wanted} has ended, or runs elsewhere: {found.found_by} says that its process is "
                             f"{number}, which is not there")  # fmt: skip
        return (*gaps, *_enter_process(number, wanted))
    assert netns is not None
    return (*gaps, *_enter_named(netns, wanted))


def _found(container: str) -> tuple[Container, tuple[Unknown, ...]]:
    """A container that runs, and the runtimes that did not answer."""
    from loopdiag.host.linux.containers import SeveralError, find_container

    if not container.strip():
        raise UsageError("the name of the container is empty")
    try:
        found, gaps = find_container(container)
    except SeveralError as several:
        raise UsageError(f"'{container}' stands for more than one container: {several}") from None
    if found is None and gaps:
        raise LoopdiagError(f"no cgroup is that of a container '{container}', and {gaps[0].because}")
    if found is None:
        raise UsageError(f"there is no container '{container}': no runtime knows it, and no cgroup is named after it")
    if not found.pid:
        raise UsageError(f"container '{container}' is not running, so it has no network namespace")
    return found, gaps


def _enter_process(pid: int, wanted: str) -> tuple[Unknown, ...]:
    from loopdiag.cli.laying import files_of_process

    folder = f"/proc/{pid}/ns"
    shares_files = _same(f"{folder}/mnt", "/proc/self/ns/mnt") and _same(f"/proc/{pid}/root", "/proc/self/root")
    handles = {kind: _open(f"{folder}/{name}", wanted)
               for kind, name in ((CLONE_NEWUSER, "user"), (CLONE_NEWUTS, "uts"), (CLONE_NEWNET, "net"))}  # fmt: skip
    foreign = not _same(f"{folder}/user", "/proc/self/ns/user")
    try:
        _move(handles, wanted, foreign=foreign)
    finally:
        for handle in handles.values():
            os.close(handle)
    return () if shares_files else _lay(lambda: files_of_process(pid), wanted)


def _move(handles: Mapping[int, int], wanted: str, *, foreign: bool) -> None:
    """Directly; where that is not permitted, as a member of the user namespace, as its owner may: setns(2)."""
    try:
        _setns(handles[CLONE_NEWNET], CLONE_NEWNET)
    except PermissionError:
        if not foreign:
            raise _closed(wanted) from None
        try:
            _setns(handles[CLONE_NEWUSER], CLONE_NEWUSER)
            _setns(handles[CLONE_NEWNET], CLONE_NEWNET)
        except OSError:
            raise _closed(wanted) from None
    try:
        _setns(handles[CLONE_NEWUTS], CLONE_NEWUTS)
    except OSError:
        return  # the host name is that of out there


def _enter_named(netns: str, wanted: str) -> tuple[Unknown, ...]:
    from loopdiag.cli.laying import files_of_name

    path = netns if "/" in netns else f"/run/netns/{netns}"
    if not os.path.isfile(path) and os.path.exists(path):  # noqa: PTH110, PTH113 - to open a device may do something
        raise UsageError(f"{path} is not a network namespace, which would be a regular file")
    handle = _open(path, wanted)
    try:
        _setns(handle, CLONE_NEWNET)
    except PermissionError:
        raise _closed(wanted) from None
    except OSError as fault:
        raise UsageError(f"{path} is not a network namespace: {fault.strerror}") from None
    finally:
        os.close(handle)
    named = _NAMED.fullmatch(path)
    name = named[1] if named else None
    if name is None or not os.path.isdir(f"/etc/netns/{name}"):  # noqa: PTH112 - pathlib is not loaded for this
        return ()
    return _lay(lambda: files_of_name(name), wanted)


def _lay(files: Callable[[], Mapping[str, File | None]], wanted: str) -> tuple[Unknown, ...]:
    from loopdiag.cli.laying import lay

    try:
        return tuple(Unknown(f"{path} of {wanted}", "this host has no such file that it could be laid over")
                     for path in lay(files()))  # fmt: skip
    except OSError as fault:
        name = errno.errorcode.get(fault.errno or 0, "an error")
        because = (
            f"taking them over failed ({name}), so names are resolved by the files of out here: root (CAP_SYS_ADMIN, "
            "CAP_SYS_CHROOT) could"
        )
        return (Unknown(f"hosts and resolver files of {wanted}", because),)


def _open(path: str, wanted: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a FIFO would wait for a writer: fifo(7)
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        raise UsageError(f"there is no {wanted}") from None
    except PermissionError:
        raise _closed(wanted) from None
    except OSError as fault:
        raise UsageError(f"{wanted} cannot be opened: {fault.strerror}") from None
    except ValueError:  # a NUL, or half a surrogate pair
        raise UsageError(f"{wanted} cannot be opened: that is no name of a file") from None


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121
    except OSError:
        return False


def _closed(wanted: str) -> LoopdiagError:
    return LoopdiagError(f"{wanted} may not be entered: that needs CAP_SYS_ADMIN (root)")


def _setns(handle: int, kind: int) -> None:
    if hasattr(os, "setns"):  # from Python 3.12
        os.setns(handle, kind)
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(handle, kind) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
