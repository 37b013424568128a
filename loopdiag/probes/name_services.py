"""Ask one service of nsswitch.conf alone, through getent(1), bounded in time."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from subprocess import Popen

PATIENCE = 1.5  # seconds, for all services together


def ask_services(
    services: Iterable[str], name: str, family: int | None = None, timeout: float | None = None
) -> dict[str, tuple[str, ...]]:
    """What each service gives for `name`, in its order; one that does not answer in time is left out.

    Empty where this cannot be asked: another C library than glibc, no getent.
    """
    getent = shutil.which("getent")
    if not getent or not _has_glibc():
        return {}
    database = {4: "ahostsv4", 6: "ahostsv6"}.get(family or 0, "ahosts")
    running = [(service, _start(getent, service, database, name)) for service in services]
    deadline = time.monotonic() + (PATIENCE if timeout is None else timeout)
    gathered = [(service, _answer(process, deadline)) for service, process in running]
    return {service: addresses for service, addresses in gathered if addresses is not None}


def _start(getent: str, service: str, database: str, name: str) -> Popen[str]:
    import subprocess

    # --no-addrconfig: without it an address of a family that only loopback has would be hidden.
    command = [getent, "--no-addrconfig", "-s", service, database, name]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True, errors="replace")  # fmt: skip


def _answer(process: Popen[str], deadline: float) -> tuple[str, ...] | None:
    import subprocess

    try:
        output, _ = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    return tuple(dict.fromkeys(line.split()[0].partition("%")[0] for line in output.splitlines() if line.split()))


def _has_glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, ValueError, OSError):
        return False
