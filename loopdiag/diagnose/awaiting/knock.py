"""A port that refused: whether it still does, found out for a fraction of an attempt's cost.

Mostly by asking the kernel whether it has a listener there. Now and then by a real connect(), which also meets those
who answer through nat: on Linux a socket whose connect() was refused can be connected again (connect(2) leaves it open
elsewhere), and on one's own host the refusal is there when the call returns.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any

from loopdiag.host.read import read
from loopdiag.model.unknown import Unknown
from loopdiag.probes.outcome import family_of

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 8  # rounds, for a real connect(): it is several times as dear as the question


class Knock:
    """One socket address of this host, and a socket that is connected to it again and again.

    `within` is how long one connect() may take, in seconds: who is not refused at once is for others to look at.
    """

    refusals = 0  # of all of them together

    def __init__(self, where: tuple[Any, ...], within: float) -> None:
        self._where, self._within = where, within
        self._socket: socket.socket | None = None
        self._connect: Callable[[tuple[Any, ...]], int] = self._anew
        watch = read("listener_watch", where)
        self._watch = None if isinstance(watch, Unknown) else watch
        self._turn = -1
        self.answered = False  # the last time

    def refused(self) -> bool:
        """Whether that is so still. Raises OSError where no socket is to be had."""
        self._turn = (self._turn + 1) % EVERY
        if self._turn and self._watch and self._watch.absent():
            return True
        number = self._connect(self._where)
        if number == errno.ECONNREFUSED:
            Knock.refusals += 1
            return True
        self.answered = True
        if number not in (0, errno.EINPROGRESS):
            self._drop()
        return False

    def take(self) -> socket.socket | None:
        """The socket that was not refused, where it is connected or on its way; the next knock has one of its own."""
        taken, self._socket, self._connect, self.answered = self._socket, None, self._anew, False
        if taken is not None:
            taken.setblocking(False)
        return taken

    def close(self) -> None:
        """Leave nothing open; it can be used no more."""
        self._drop()
        if self._watch:
            self._watch.close()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _anew(self, where: tuple[Any, ...]) -> int:
        self._drop()
        self._socket = socket.socket(family_of(str(where[0])), socket.SOCK_STREAM)
        # It also bounds connect(): socket(7).
        within = struct.pack("@ll", *divmod(int(self._within * 1_000_000), 1_000_000))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, within)
        if sys.platform == "linux":
            self._connect = self._socket.connect_ex
        return self._socket.connect_ex(where)
