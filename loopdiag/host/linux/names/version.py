"""Which C library reads the resolver's files."""

from __future__ import annotations

import os
import re


def glibc_version() -> tuple[int, int] | None:
    """The version of the C library where it is glibc, else None."""
    try:
        told = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return None
    numbers = re.search(r"(\d+)\.(\d+)", told)
    return (int(numbers[1]), int(numbers[2])) if numbers else None
