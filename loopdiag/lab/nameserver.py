"""The lab's name server: answers for the names that it is given, over UDP.

usage: python -m loopdiag.lab.nameserver ADDRESS [NAME=ADDRESS ...] [silent|servfail]

Any other name does not exist (NXDOMAIN); a name without an address of the family asked for gives none (NODATA).
It prints `ready PID` once its socket is set up.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PORT = 53
_A, _AAAA = 1, 28  # RFC 1035, RFC 3596
_NOERROR, _SERVFAIL, _NXDOMAIN = 0, 2, 3


def main(words: Sequence[str]) -> None:
    """Answer until killed."""
    address, *rest = words
    known: dict[str, list[str]] = {}
    for word in rest:
        name, given, value = word.partition("=")
        if given:
            known.setdefault(name.lower(), []).append(value)
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, PORT))
    print(f"ready {os.getpid()}", flush=True)  # noqa: T201 - who started it waits for this line
    while True:
        query, client = server.recvfrom(4096)
        if "silent" not in rest:
            server.sendto(reply(query, known, broken="servfail" in rest), client)


def reply(query: bytes, known: Mapping[str, Sequence[str]], *, broken: bool = False) -> bytes:
    """The answer to one query: RFC 1035, section 4."""
    name, end = _question(query)
    (wanted,) = struct.unpack("!H", query[end : end + 2])
    addresses = known.get(name)
    code = _SERVFAIL if broken else _NXDOMAIN if addresses is None else _NOERROR
    records = [] if broken else [one for one in addresses or () if (":" in one) == (wanted == _AAAA)]
    if wanted not in (_A, _AAAA):
        records = []
    header = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
    return header + query[12 : end + 4] + b"".join(_record(one, wanted) for one in records)


def _question(query: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    return ".".join(labels).lower(), at + 1


def _record(address: str, kind: int) -> bytes:
    data = socket.inet_pton(socket.AF_INET6 if kind == _AAAA else socket.AF_INET, address)
    return struct.pack("!HHHLH", 0xC00C, kind, 1, 60, len(data)) + data


if __name__ == "__main__":
    main(sys.argv[1:])
