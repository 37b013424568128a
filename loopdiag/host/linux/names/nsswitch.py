"""The `hosts:` line of nsswitch.conf(5): which services are asked, in which order, with which actions."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from loopdiag.host.linux.names.file import lines_of, read_bytes
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from pathlib import Path

NSSWITCH = "etc/nsswitch.conf"
_WORD = re.compile(r"\[[^\]]*\]?|[^\s\[]+", re.ASCII)
_SPACE = " \t\r\v\f"  # isspace(3): a no-break space is none
_MUSL = ("files", "dns")  # musl has no nsswitch.conf: the hosts file, then DNS


def read_services(root: Path) -> tuple[tuple[str, ...] | Unknown, int | None]:
    """The services in order with their actions in brackets, and the line that says so; no line: the default."""
    version = glibc_version()
    if version is None:
        return _MUSL, None
    content = read_bytes(root / NSSWITCH, f"/{NSSWITCH}")
    if isinstance(content, Unknown):
        return content, None
    services, line = parse_services(content or b"")
    return (default_services(version) if line is None else services), line


def parse_services(content: bytes) -> tuple[tuple[str, ...], int | None]:
    """The last `hosts:` line counts: glibc reads the file to its end."""
    services: tuple[str, ...] = ()
    found = None
    for number, text in enumerate(lines_of(content), 1):
        database, colon, rest = text.partition("#")[0].partition(":")
        if colon and database.strip(_SPACE) == "hosts":
            services, found = tuple(_WORD.findall(rest)), number
    return services, found


def default_services(version: tuple[int, int]) -> tuple[str, ...]:
    """What glibc asks without a `hosts:` line: `files dns` since 2.35 (its bug 28700), DNS first before."""
    return ("files", "dns") if version >= (2, 35) else ("dns", "[!UNAVAIL=return]", "files")


def glibc_version() -> tuple[int, int] | None:
    """The version of the C library where it is glibc, else None."""
    try:
        told = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return None
    numbers = re.search(r"(\d+)\.(\d+)", told)
    return (int(numbers[1]), int(numbers[2])) if numbers else None
