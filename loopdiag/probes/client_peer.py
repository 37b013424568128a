"""Where a program that does not say so was connected to: new connections in the kernel's table while it ran."""

from __future__ import annotations

import contextlib
import threading
import time
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_TABLES = ("/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6")
_UNCONNECTED = {"02", "03", "0A", "0C"}  # SYN_SENT, SYN_RECV, LISTEN, NEW_SYN_RECV: include/net/tcp_states.h
_PAUSE = 0.002  # seconds between two looks; longer where one look takes long

Pair = tuple[str, str]  # the end that has one of the ports, and the other one, as the table writes them


class Watch:
    """While the block runs, looks again and again for connections to `ports`; does nothing where there are none."""

    def __init__(self, ports: Collection[int]) -> None:
        self._ports = frozenset(f"{port:04X}" for port in ports)
        self._over = threading.Event()
        self._seen: set[Pair] = set()
        self._before: set[Pair] = set()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        if self._ports:
            self._before = set(self._pairs())
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._ports:
            self._over.set()
            self._thread.join()

    def peer(self, *, failed: bool) -> tuple[str, int] | None:
        """The one address that was connected to. None where there was none, several, or the program says so."""
        peers = {_read(end) for end, _ in self._seen - self._before}  # one end may have it as ::ffff:127.0.0.1
        return peers.pop() if len(peers) == 1 and not failed else None

    def _look(self) -> None:
        pause = 0.0
        while not self._over.wait(pause):
            began = time.monotonic()
            self._seen.update(self._pairs())
            pause = max(_PAUSE, 2 * (time.monotonic() - began))
        self._seen.update(self._pairs())  # what is over leaves a socket in TIME-WAIT, on one side or the other

    def _pairs(self) -> Iterator[Pair]:
        for table in _TABLES:
            with contextlib.suppress(OSError):
                for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                    _, local, remote, state, *_ = line.split()
                    if state in _UNCONNECTED:
                        continue
                    if remote[-4:] in self._ports:
                        yield remote, local
                    elif local[-4:] in self._ports:
                        yield local, remote


def _read(end: str) -> tuple[str, int]:
    """An address as 32-bit words in the order of this machine's bytes, and a port: proc(5), /proc/net/tcp."""
    import sys

    words, _, port = end.partition(":")
    packed = b"".join(int(words[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(words), 8))
    address = ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address), int(port, 16)
