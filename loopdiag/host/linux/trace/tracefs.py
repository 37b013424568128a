"""Where tracefs is: an existing mount, or one of our own that no path leads to and that ends with this process.

https://docs.kernel.org/trace/ftrace.html
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path

from loopdiag.model.unknown import Unknown

FSOPEN, FSCONFIG, FSMOUNT = 430, 431, 432  # asm-generic/unistd.h: the same on every architecture since Linux 5.2
FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC, FSCONFIG_CMD_CREATE = 1, 1, 6  # linux/mount.h
CLONE_NEWNS, MS_REC_PRIVATE = 0x20000, 0x4000 | 0x40000  # linux/sched.h, linux/mount.h

WHAT = "the kernel's trace of this probe"


class Tracefs:
    """An open tracefs: `path` leads into it as long as this object is not closed."""

    def __init__(self, path: str, handle: int | None = None) -> None:
        self.path = path
        self._handle = handle

    def close(self) -> None:
        """Let go of it; a mount of our own vanishes with this."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def open_tracefs(root: Path = Path("/")) -> Tracefs | Unknown:
    """The tracefs of this kernel, mounted without a mount point where this namespace has none."""
    mounted = _mounted(root)
    if mounted:
        return Tracefs(mounted)
    try:
        handle = _mount()
    except OSError as fault:
        return refused(fault)
    return Tracefs(f"/proc/self/fd/{handle}", handle)


def refused(fault: OSError) -> Unknown:
    """What an error of tracefs says about the right that is missing."""
    if fault.errno in (errno.EPERM, errno.EACCES):
        if _locked_down():
            return Unknown(WHAT, "the kernel is locked down against reading its memory (kernel_lockdown(7))")
        return Unknown(WHAT, "reading tracepoints needs root in the machine's own user namespace (CAP_SYS_ADMIN)")
    if fault.errno in (errno.ENODEV, errno.ENOENT):
        return Unknown(WHAT, "this kernel was built without tracepoints (CONFIG_TRACING)")
    return Unknown(WHAT, f"tracefs cannot be used: {fault.strerror}")


def _mounted(root: Path) -> str | None:
    """A mount of it in this mount namespace that we may use: proc_pid_mountinfo(5)."""
    try:
        lines = (root / "proc/self/mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        mount, _, kind = line.partition(" - ")
        words = mount.split()
        if kind.startswith("tracefs ") and len(words) > 5 and words[3] == "/":
            path = words[4].replace("\\040", " ")
            if os.access(f"{path}/instances", os.W_OK | os.X_OK):
                return path
    return None


def _mount() -> int:
    """A detached mount, as a directory descriptor; raises OSError."""
    try:
        return _detached()
    except OSError as fault:
        if fault.errno != errno.ENOSYS:
            raise
    return _in_private_namespace()


def _detached() -> int:
    context = _call("syscall", FSOPEN, b"tracefs", FSOPEN_CLOEXEC)
    try:
        _call("syscall", FSCONFIG, context, FSCONFIG_CMD_CREATE, None, None, 0)
        return _call("syscall", FSMOUNT, context, FSMOUNT_CLOEXEC, 0)
    finally:
        os.close(context)


def _in_private_namespace() -> int:
    """Before Linux 5.2: mount it in a mount namespace of a thread that ends at once; the descriptor keeps it alive."""
    box: list[int | OSError] = []

    def inside() -> None:
        try:
            _call("unshare", CLONE_NEWNS)
            _call("mount", None, b"/", None, MS_REC_PRIVATE, None)
            _call("mount", b"tracefs", b"/sys", b"tracefs", 0, None)
            box.append(os.open("/sys", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except OSError as fault:
            box.append(fault)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    if isinstance(box[0], OSError):
        raise box[0]
    return box[0]


def _call(name: str, *arguments: object) -> int:
    import ctypes

    result = getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)


def _locked_down() -> bool:
    with suppress(OSError):
        return "[confidentiality]" in Path("/sys/kernel/security/lockdown").read_text()
    return False
