"""What a client that was run may have left: processes and folders."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from tests.host import Host


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


def ends_with_us(host: Host, client: str, stage: str, sent: signal.Signals) -> None:
    """Nothing of the client stays where loopdiag gets that signal once the file `stage` is in the client's folder."""
    folder = host.folder / "tmp"
    folder.mkdir()
    words = f"why http://127.0.0.1:3000 --timeout 200ms --verify --client {client}"
    script = f"echo $$ | tee {host.folder}/pid; exec {sys.executable} -m loopdiag {words} >/dev/null"
    host.start("sh", "-c", script, env={"TMPDIR": str(folder)})
    assert comes(lambda: any(folder.glob(f"loopdiag-client-*/{stage}")), 20)
    assert comes(lambda: bool(of_folder(folder)), 5)
    host.sh(f"kill -{sent.value} $(cat {host.folder}/pid)")
    assert comes(lambda: not of_folder(folder) and not any(folder.iterdir()), 5)
