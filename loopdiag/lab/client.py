"""The lab's client: holds connections open, or leaves them in the states that a scenario needs.

usage: python -m loopdiag.lab.client ADDRESS:PORT [COUNT] [MODE ...]

Modes:
  from:ADDRESS:PORT   the local end (the address alone takes any port); the destination itself makes a self-connect
  end                 reads until the server closes, then closes too: the server's end stays in TIME-WAIT
  first               closes first: the client's end stays in TIME-WAIT
  udp                 a connected UDP socket, with nothing sent

It prints `ready PID` when all connections are there, and holds them until it is killed.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from typing import TYPE_CHECKING

from loopdiag.lab.server import option, sockaddr

if TYPE_CHECKING:
    from collections.abc import Sequence

_WITHIN = 3.0


def main(words: Sequence[str]) -> None:
    """Open the connections, say so, and wait for the end."""
    where, *modes = words
    count = int(modes.pop(0)) if modes and modes[0].isdigit() else 1
    held = [connection(where, modes) for _ in range(count)]
    print("ready", os.getpid(), flush=True)  # noqa: T201 - the lab waits for this line
    if held:
        threading.Event().wait()


def connection(where: str, modes: Sequence[str]) -> socket.socket:
    """One connection, brought into the state that `modes` ask for."""
    family, address = sockaddr(where)
    one = socket.socket(family, socket.SOCK_DGRAM if "udp" in modes else socket.SOCK_STREAM)
    one.settimeout(_WITHIN)
    local = option(modes, "from")
    if local:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(sockaddr(local)[1])
    one.connect(address)
    if "end" in modes:
        while one.recv(4096):
            pass
        one.close()
    elif "first" in modes:
        one.shutdown(socket.SHUT_WR)
        while one.recv(4096):
            pass
        one.close()
    return one


if __name__ == "__main__":
    main(sys.argv[1:])
