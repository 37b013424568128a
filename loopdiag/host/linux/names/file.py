"""Read one of the resolver's files as bytes, whatever stands in its place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from loopdiag.model.unknown import Unknown

_MOST_PARTS = 32  # of at most a megabyte each: blocking lists of some megabytes are in use


def read_bytes(path: Path, shown: str) -> bytes | Unknown | None:
    """The file's content; None where there is none; Unknown where it may not be read or is no regular file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # not blocking: it may be a FIFO
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        return Unknown(shown, f"{shown} may not be read by this user: its mode or that of its folder forbids it")
    except OSError as fault:
        return Unknown(shown, f"{shown} cannot be read: {fault.strerror}")
    try:
        status = os.fstat(handle)
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev:
            return b""  # /dev/null laid over it, or linked to: an empty file to the C library
        return _content(handle) if stat.S_ISREG(status.st_mode) else Unknown(shown, f"{shown} is no file")
    except OSError as fault:
        return Unknown(shown, f"{shown} cannot be read: {fault.strerror}")
    finally:
        os.close(handle)


def _content(handle: int) -> bytes:
    parts = []
    while part := os.read(handle, 1 << 20):
        parts.append(part)
        if len(parts) >= _MOST_PARTS:
            break
    return b"".join(parts)


def lines_of(content: bytes) -> list[str]:
    """The lines as the C library parts them: at line feeds only."""
    return content.decode("utf-8", "replace").split("\n")
