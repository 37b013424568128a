"""The kernel's own time stamps for what was sent and received: Documentation/networking/timestamping.rst."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SO_TIMESTAMPING = SCM_TIMESTAMPING = 37  # asm-generic/socket.h
TX_SOFTWARE, RX_SOFTWARE, SOFTWARE = 1 << 1, 1 << 3, 1 << 4  # linux/net_tstamp.h
OPT_ID, OPT_CMSG, OPT_TSONLY = 1 << 7, 1 << 10, 1 << 11
WANTED = TX_SOFTWARE | RX_SOFTWARE | SOFTWARE | OPT_ID | OPT_CMSG | OPT_TSONLY
_STAMP = struct.Struct("@ll")  # the first of three struct timespec: the software stamp

Control = tuple[int, int, bytes]


def switch_on(sock: socket.socket) -> bool:
    """Ask for stamps in both directions, numbering what is sent from 0; False where this kernel has none."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, 0)  # off first: only then does the numbering begin anew
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, WANTED)
    except OSError:
        return False
    return True


@contextmanager
def kept_on() -> Iterator[None]:
    """Have the kernel stamp what comes in from now on: it takes it a moment to begin, once a first socket asks."""
    with ExitStack() as stack:
        with suppress(OSError):  # a sandbox may refuse it; the stamps then begin with the probe's own socket
            switch_on(stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
        yield


def software_stamp(control: Sequence[Control]) -> int | None:
    """The software stamp among control messages, in nanoseconds of the wall clock; None where there is none."""
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == SCM_TIMESTAMPING and len(data) >= _STAMP.size:
            seconds, nanoseconds = _STAMP.unpack_from(data)
            return int(seconds * 1_000_000_000 + nanoseconds) if seconds else None
    return None
