"""What a client that was run may have left: processes and folders."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def comes(state: Callable[[], bool], seconds: float) -> bool:
    """Whether it comes about within that time."""
    deadline = time.monotonic() + seconds
    while not state() and time.monotonic() < deadline:
        time.sleep(0.01)
    return state()


def of_folder(folder: Path) -> list[str]:
    """The processes that have it in their environment or their words, as Firefox and all its children do."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (
                str(folder / "loopdiag-client-").encode()
                in (one / "environ").read_bytes() + (one / "cmdline").read_bytes()
            ):
                found.append(one.name)
    return found
