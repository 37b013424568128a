"""Step into another network namespace before anything is asked."""

from __future__ import annotations

import os

from loopdiag.model.errors import LoopdiagError, UsageError

CLONE_NEWNET = 0x40000000  # linux/sched.h


def enter(netns: str | None, pid: int | None) -> None:
    """Move this process into the network namespace named (`ip netns` name or a path) or that of `pid`."""
    if netns and pid:
        raise UsageError("--netns and --pid exclude each other")
    path = f"/proc/{pid}/ns/net" if pid else netns if netns and "/" in netns else f"/run/netns/{netns}"
    wanted = f"process {pid}" if pid else f"network namespace '{netns}'"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UsageError(f"there is no {wanted}") from None
    except PermissionError:
        raise LoopdiagError(f"{wanted} may not be entered: that needs CAP_SYS_ADMIN (root)") from None
    try:
        _setns(handle)
    except PermissionError:
        raise LoopdiagError(f"{wanted} may not be entered: that needs CAP_SYS_ADMIN (root)") from None
    except OSError as fault:
        raise UsageError(f"{path} is not a network namespace: {fault.strerror}") from None
    finally:
        os.close(handle)


def _setns(handle: int) -> None:
    if hasattr(os, "setns"):  # from Python 3.12
        os.setns(handle, CLONE_NEWNET)
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(handle, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
