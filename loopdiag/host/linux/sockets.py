"""TCP and UDP sockets of this network namespace: by sock_diag, or from /proc where that is refused."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from loopdiag.host.linux.netlink import because
from loopdiag.host.linux.proc_net import read_socket_files
from loopdiag.host.linux.sock_diag import ALL, BOUND_INACTIVE, LISTENING, read_inet_sockets
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from pathlib import Path

    from loopdiag.model.socket import Socket

NET = "proc/thread-self/net"


def read_sockets(
    *,
    port: int | None = None,
    protocols: tuple[str, ...] = ("tcp", "udp"),
    listening: bool = False,
    bound: bool = False,
    root: Path | None = None,
) -> tuple[Socket, ...] | Unknown:
    """The sockets of this network namespace without their owners; needs no privilege.

    With `port` those that have it at either end; with `listening` TCP listeners and unconnected UDP sockets only; with
    `bound` TCP sockets only that are bound and nothing more, as far as the kernel tells of them.
    """
    states = None if not (listening or bound) else LISTENING if listening else {"tcp": 1 << BOUND_INACTIVE, "udp": 0}

    found: list[Socket] = []
    for protocol in protocols:
        read = _read(protocol, port, states, root)
        if isinstance(read, Unknown):
            return read
        found += read
    return tuple(found)


def _read(protocol: str, port: int | None, states: dict[str, int] | None, root: Path | None) -> list[Socket] | Unknown:
    try:
        return read_inet_sockets(protocol, port=port, states=states[protocol] if states else ALL)
    except (OSError, ValueError, struct.error) as fault:
        refused = because(fault) if isinstance(fault, OSError) else f"sock_diag's answer is not understood ({fault})"
    from pathlib import Path  # takes 3 ms to load, and is seldom needed

    net = (root or Path("/")) / NET
    try:
        return read_socket_files(net, (protocol,), port=port, listening=states is LISTENING)
    except OSError as fault:
        return Unknown(f"{protocol.upper()} sockets", f"{refused}; {net}/{protocol}: {fault.strerror}")
