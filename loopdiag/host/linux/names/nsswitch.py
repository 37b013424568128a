"""The `hosts:` line of nsswitch.conf(5): which services are asked, in which order, with which actions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from loopdiag.host.linux.names.file import lines_of, read_bytes
from loopdiag.host.linux.names.version import glibc_version
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from pathlib import Path

NSSWITCH = "etc/nsswitch.conf"
_WORD = re.compile(r"\[[^\]]*\]?|[^\s\[]+", re.ASCII)
_ACTIONS = re.compile(
    r"\[(\s*!?(SUCCESS|NOTFOUND|UNAVAIL|TRYAGAIN)\s*=\s*(RETURN|CONTINUE|MERGE)\b)+\s*\]", re.IGNORECASE | re.ASCII
)
_LINE = re.compile(r"[ \t\r\v\f]*([^ \t\r\v\f:]+)[ \t\r\v\f:]?(.*)", re.DOTALL)  # a no-break space is none: isspace(3)
_MUSL = ("files", "dns")  # musl has no nsswitch.conf: the hosts file, then DNS
# From this glibc on a `#` within a line begins no comment, and one bad line spoils all: nss_database.c
_STRICT = (2, 33)
_DATABASES = frozenset(
    ("aliases", "ethers", "group", "group_compat", "gshadow", "hosts", "initgroups", "netgroup", "networks", "passwd",
     "passwd_compat", "protocols", "publickey", "rpc", "services", "shadow", "shadow_compat")
)  # fmt: skip


class Services(NamedTuple):
    """The services in order with their actions in brackets.

    `line` is the number of the line that says so, None where the C library's default counts; `spoilt` that of a line
    that cannot be parsed, for which glibc asks nobody.
    """

    services: tuple[str, ...] | Unknown
    line: int | None = None
    spoilt: int | None = None


def read_services(root: Path) -> Services:
    """What this host's C library makes of its nsswitch.conf."""
    version = glibc_version()
    if version is None:
        return Services(_MUSL)
    content = read_bytes(root / NSSWITCH, f"/{NSSWITCH}")
    if isinstance(content, Unknown):
        return Services(content)
    found = parse_services(content or b"", version)
    return found if found.line else found._replace(services=default_services(version))


def parse_services(content: bytes, version: tuple[int, int] = _STRICT) -> Services:
    """The last `hosts:` line counts: glibc reads the file to its end. The colon may be missing."""
    found = Services(())
    for number, text in enumerate(lines_of(content), 1):
        database, rest = _parted(text if version >= _STRICT else text.partition("#")[0])
        words = _words(rest)
        if database in _DATABASES and version >= _STRICT and _is_spoilt(words):
            found = found._replace(spoilt=number)
        if database == "hosts":
            found = found._replace(services=words, line=number)
    return found


def _parted(text: str) -> tuple[str, str]:
    """The database and what stands behind it."""
    parts = _LINE.match(text)
    return (parts[1], parts[2]) if parts else ("", "")


def _words(rest: str) -> tuple[str, ...]:
    """Services and actions; an action before the first service ends the line."""
    words = tuple(_WORD.findall(rest))
    return () if words and words[0].startswith("[") else words


def _is_spoilt(words: tuple[str, ...]) -> bool:
    """What stands in brackets is no action."""
    return any(word.startswith("[") and not _ACTIONS.fullmatch(word) for word in words)


def default_services(version: tuple[int, int]) -> tuple[str, ...]:
    """What glibc asks without a `hosts:` line: `files dns` since 2.35 (its bug 28700), DNS first before."""
    return ("files", "dns") if version >= (2, 35) else ("dns", "[!UNAVAIL=return]", "files")
