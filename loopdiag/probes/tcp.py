"""TCP connect() that never waits longer than it is told, and may be given up sooner."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from typing import TYPE_CHECKING

from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.probes.error_queue import ask_for_errors, queued_error
from loopdiag.probes.outcome import errno_name, family_of, outcome_of, sockaddr, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

TIMEOUT = 2.5  # seconds
LOOK = 0.05  # seconds between two questions to `patience`
_STARTED = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)


def connect_tcp(
    address: str, port: int, timeout: float = TIMEOUT, *, patience: Callable[[], str | None] | None = None,
    far_end: Callable[[str, str, float], str | None] | None = None,
) -> TcpConnect:  # fmt: skip
    """Connect to a numeric address (with its zone), see the outcome, close; `timeout` is in seconds.

    `patience` is asked now and then while nothing has come; a reason that it returns ends the wait. What goes wrong
    is data: no OSError leaves. `far_end` is asked for the state of the other end, given this end, that one and the
    seconds that it took, while the connection stands.
    """
    with TcpAttempt(address, port) as attempt:
        while attempt.seconds < timeout:
            left = timeout - attempt.seconds
            if attempt.wait(min(left, LOOK) if patience else left):
                break
            reason = patience() if patience else None
            if reason:
                return attempt.observation(gave_up=reason)
        return attempt.observation(far_end=far_end)


class TcpAttempt:
    """A connect() under way: `wait` for its end, ask for its `observation` at any time, leave the block to close.

    `socket` is the connected socket, for who wants to speak on it within the block.
    """

    def __init__(self, address: str, port: int) -> None:
        self.address, self.port = address, port
        self.socket: socket.socket | None = None
        self._local: str | None = None
        self._peer: str | None = None
        self._error_from: str | None = None
        self._ended: tuple[Outcome, int] | None = None
        self._began = time.perf_counter()
        self._took: float | None = None

    def __enter__(self) -> TcpAttempt:
        try:
            self.socket = socket.socket(family_of(self.address), socket.SOCK_STREAM)
            self.socket.setblocking(False)
            ask_for_errors(self.socket)
            where = sockaddr(self.address, self.port)
            self._began = time.perf_counter()
            number = self.socket.connect_ex(where)
        except OSError as fault:
            number = fault.errno or errno.EIO
        if number not in _STARTED:
            self._end(outcome_of(number), number)
        elif self.socket is not None:
            self._local = _name(self.socket)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.socket is not None:
            if self._peer and self._peer == self._local:
                # Ended in order, it would keep the port in TIME-WAIT from the server that is waited for.
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()

    @property
    def seconds(self) -> float:
        """Since connect() was called, or the time that it took."""
        return time.perf_counter() - self._began if self._took is None else self._took

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; whether the attempt has ended."""
        if self._ended is not None or self.socket is None:
            return True
        poll = select.poll()
        poll.register(self.socket, select.POLLOUT)
        if poll.poll(max(0.0, seconds) * 1000):
            self._look(self.socket)
        return self._ended is not None

    def release(self) -> socket.socket | None:
        """The connected socket, which is not closed with this block any more; None where there is none."""
        if self._ended is None or self._ended[0] is not Outcome.CONNECTED:
            return None
        released, self.socket = self.socket, None
        return released

    def observation(
        self, gave_up: str | None = None, far_end: Callable[[str, str, float], str | None] | None = None
    ) -> TcpConnect:
        """What was seen up to now; what has not ended has timed out, or was given up for a reason.

        `far_end` tells of the other end of a connection that stands, from this end, that one and the seconds it took.
        """
        outcome, number = self._ended or (Outcome.TIMED_OUT, 0)
        stands = outcome is Outcome.CONNECTED and self._local and self._peer
        return TcpConnect(
            address=self.address,
            port=self.port,
            outcome=outcome,
            errno=errno_name(number) if number else None,
            seconds=self.seconds,
            local=self._local,
            peer=self._peer,
            gave_up=gave_up,
            error_from=self._error_from,
            far_end=far_end(self._local or "", self._peer or "", self.seconds) if far_end and stands else None,
        )

    def _look(self, connecting: socket.socket) -> None:
        number = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        queued = queued_error(connecting)
        if queued is not None:
            number, self._error_from = number or queued.number, queued.sender
        if number:
            self._end(outcome_of(number), number)
            return
        try:
            self._peer = written(connecting.getpeername())
        except OSError:
            return
        self._local = _name(connecting)
        # A client that got its own destination as source port has met nobody but itself: RFC 9293, 3.5.
        self._end(Outcome.FAILED if self._peer == self._local else Outcome.CONNECTED, 0)

    def _end(self, outcome: Outcome, number: int) -> None:
        self._took = time.perf_counter() - self._began
        self._ended = (outcome, number)


def _name(connecting: socket.socket) -> str | None:
    try:
        name = connecting.getsockname()
    except OSError:
        return None
    return written(name) if name[1] else None
