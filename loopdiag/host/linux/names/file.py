"""Read one of the resolver's files as bytes, whatever stands in its place."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT = 32 << 20  # bytes; blocking lists of some megabytes are in use


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
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return Unknown(shown, f"{shown} is not a regular file")
        try:
            return file.read(_LIMIT)
        except OSError as fault:
            return Unknown(shown, f"{shown} cannot be read: {fault.strerror}")


def lines_of(content: bytes) -> list[str]:
    """The lines as the C library parts them: at line feeds only."""
    return content.decode("utf-8", "replace").split("\n")
