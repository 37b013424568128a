"""TCP and UDP sockets from the files of /proc/PID/net, for where sock_diag is refused or the namespace cannot be
entered: proc_pid_net(5). They tell less: no IPV6_V6ONLY, no device, no limit of the accept queue, nothing bound that
does not listen."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from loopdiag.host.linux.sock_diag import LISTEN, LISTENING, MAPPED, STATES
from loopdiag.model.socket import Socket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_socket_files(
    net: Path, protocols: tuple[str, ...], *, port: int | None = None, listening: bool = False
) -> list[Socket]:
    """The sockets that the files below `net` list. Raises OSError when one that must exist cannot be read."""
    found: list[Socket] = []
    for protocol in protocols:
        found += _parse((net / protocol).read_text(errors="replace"), protocol, port, listening)
        try:
            found += _parse((net / f"{protocol}6").read_text(errors="replace"), protocol, port, listening)
        except FileNotFoundError:
            continue  # no IPv6 in this kernel
    return found


def _parse(text: str, protocol: str, port: int | None, listening: bool) -> Iterator[Socket]:
    """Lines such as `0: 0100007F:0016 00000000:0000 0A 00000000:00000001 ...`, after a heading."""
    for line in text.splitlines()[1:]:
        columns = line.split()
        if len(columns) < 10:
            continue
        try:
            one = _socket(columns, protocol)
        except ValueError:
            continue
        if port is not None and port not in (one.port, one.peer_port):
            continue
        if not listening or 1 << int(columns[3], 16) & LISTENING[protocol]:
            yield one


def _socket(columns: list[str], protocol: str) -> Socket:
    address, port, families = _endpoint(columns[1])
    peer, peer_port, _ = _endpoint(columns[2])
    number = int(columns[3], 16)
    return Socket(
        protocol=protocol,
        state="BOUND" if number == 7 and protocol == "tcp" else STATES.get(number, columns[3]),
        address=address,
        port=port,
        families=families,
        peer_address=peer if peer_port else None,
        peer_port=peer_port or None,
        queue=int(columns[4].partition(":")[2], 16),
        queue_limit=None if number == LISTEN else 0,
        uid=int(columns[7]),
        inode=int(columns[9]),
        incomplete=True,
    )


def _endpoint(text: str) -> tuple[str, int, tuple[str, ...]]:
    """`0100007F:0016`: 32-bit words of the address in the byte order of this machine, and the port."""
    digits, _, port = text.partition(":")
    words = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
    raw = struct.pack(f"={len(words)}I", *words)
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw), int(port, 16), ("ipv4",)
    if raw.startswith(MAPPED):
        return socket.inet_ntop(socket.AF_INET, raw[12:]), int(port, 16), ("ipv4",)
    # IPV6_V6ONLY is not told here: a wildcard is taken for what it is by default, and `incomplete` says so.
    return socket.inet_ntop(socket.AF_INET6, raw), int(port, 16), ("ipv6",) if any(raw) else ("ipv4", "ipv6")
