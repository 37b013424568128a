"""resolv.conf(5): which name servers are asked; gai.conf(5): what changes the order of addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loopdiag.host.linux.names.file import lines_of, read_bytes
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from pathlib import Path

RESOLV = "etc/resolv.conf"
GAI = "etc/gai.conf"
_MOST_SERVERS = 3  # MAXNS of resolv.h: further ones are not asked


class Resolv(NamedTuple):
    """The servers asked in their order; `named` is False where the file names none and 127.0.0.1 is asked."""

    servers: tuple[str, ...] | Unknown
    search: tuple[str, ...]
    named: bool


def read_resolv(root: Path) -> Resolv:
    """What resolv.conf says, the C library's default where it says nothing."""
    content = read_bytes(root / RESOLV, f"/{RESOLV}")
    if isinstance(content, Unknown):
        return Resolv(content, (), named=False)
    return parse_resolv(content or b"")


def parse_resolv(content: bytes) -> Resolv:
    """The last `search` or `domain` line counts; a line is a comment where it begins with # or ;."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    for text in lines_of(content):
        words = text.split()
        if not words or text.startswith(("#", ";")):
            continue
        if words[0] == "nameserver" and len(words) > 1:
            servers.append(words[1])
        elif words[0] in ("search", "domain"):
            search = tuple(words[1:])
    if not servers:
        return Resolv(("127.0.0.1",), search, named=False)
    return Resolv(tuple(servers[:_MOST_SERVERS]), search, named=True)


def read_gai(root: Path) -> tuple[str, ...]:
    """The lines of gai.conf that count (label, precedence, scopev4); it is optional, and missing on most hosts."""
    content = read_bytes(root / GAI, f"/{GAI}")
    if not isinstance(content, bytes):
        return ()
    lines = (" ".join(text.partition("#")[0].split()) for text in lines_of(content))
    return tuple(line for line in lines if line.split(" ")[0] in ("label", "precedence", "scopev4"))
