"""The lines of the hosts file that bear on a name, as nss_files reads them: hosts(5).

glibc parts lines at line feeds, cuts them at `#`, parts words at white space (a carriage return is some), wants a
strict numeric address first (`inet_pton`), and compares names without regard to case, a final dot included.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from loopdiag.host.linux.names.file import lines_of, read_bytes
from loopdiag.host.linux.names.mistakes import doubled_end, is_address, mistake
from loopdiag.host.linux.names.version import glibc_version
from loopdiag.model.names import HostsLine
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTS = "etc/hosts"
_DOUBLED = (2, 33)  # since then a last line of this kind is misread: nss_readline.c
_SPACE = re.compile(r"[ \t\r\v\f]+")


def read_hosts(name: str, root: Path) -> tuple[HostsLine, ...] | Unknown:
    """The lines that give `name`, those that were meant to and do not, and those commented out."""
    content = read_bytes(root / HOSTS, f"/{HOSTS}")
    if isinstance(content, Unknown):
        return content
    return tuple(parse_hosts(content or b"", name, glibc_version()))


def parse_hosts(content: bytes, name: str, version: tuple[int, int] | None = None) -> Iterator[HostsLine]:
    """The lines of a hosts file that bear on `name`; `version` is glibc's."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield from _utf16(content, name)
        return
    # Nothing is parsed of the 100,000 lines of a blocking list that do not hold the name, nor a wildcard.
    wanted = re.compile(re.escape(name.rstrip(".")) + r"|\*|[^\x00-\x7f]", re.IGNORECASE)
    lines = lines_of(content)
    for number, text in enumerate(lines, 1):
        if wanted.search(text):
            line = _read(number, text, name)
            if number == len(lines) and version and version >= _DOUBLED:
                line = doubled_end(line, text, name)
            if line:
                yield line


def _read(number: int, text: str, name: str) -> HostsLine | None:
    counted = text.partition("\0")[0].partition("#")[0]
    words = [word for word in _SPACE.split(counted) if word]
    address = words[0] if words else ""
    names = tuple(words[1:])
    line = HostsLine(file=f"/{HOSTS}", line=number, address=address, names=names, text=shown(text))
    if is_address(address) and name.lower() in (one.lower() for one in names):
        return line
    return mistake(line, text, name)


def shown(text: str) -> str:
    """A line as evidence shows it: its words with one space between, not longer than a page is wide."""
    whole = " ".join(text.split())
    return whole if len(whole) <= 120 else whole[:117] + "..."


def _utf16(content: bytes, name: str) -> Iterator[HostsLine]:
    for number, text in enumerate(content.decode("utf-16", "replace").split("\n"), 1):
        words = text.partition("#")[0].split()
        if len(words) > 1 and name.lower() in (word.lower() for word in words[1:]):
            yield HostsLine(
                file=f"/{HOSTS}",
                line=number,
                address=words[0],
                names=tuple(words[1:]),
                text=shown(text),
                fault="the file is encoded as UTF-16, of which the C library reads nothing",
                meant=words[0] if is_address(words[0]) else None,
            )
