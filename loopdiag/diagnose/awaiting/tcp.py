"""Whether a TCP address serves, asked over and over.

The kernel completes connections on behalf of a process that hangs, and a port forwarder accepts where nobody is behind
it: what was there from the beginning must take a connection and keep it. What comes up while we watch serves from its
first answer on, as its process has only just called listen(); only a forwarder that meets a refusal itself does not.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import TYPE_CHECKING

from loopdiag.diagnose.awaiting.knock import Knock
from loopdiag.diagnose.awaiting.look import Look
from loopdiag.diagnose.awaiting.words import NO_ANSWER, REJECTIONS, rejects, state_of
from loopdiag.diagnose.far_end import far_end
from loopdiag.host.read import read
from loopdiag.model.observation import Outcome
from loopdiag.model.readiness import State
from loopdiag.model.socket import Socket
from loopdiag.model.unknown import Unknown
from loopdiag.probes.outcome import sockaddr
from loopdiag.probes.tcp import TcpAttempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.model.observation import TcpConnect

AT_ONCE = 0.001  # seconds: on one's own host the handshake is over when connect() returns
SILENCE = 0.05  # seconds without an answer that are worth telling
RETRY = 3.0  # seconds after which an attempt that nobody answers is given up for a new one
# Seconds in which a forwarder without a backend, or a server that wants none of us, has closed again: where it was
# there from the beginning, where it has done so before, and where it comes up and every moment counts.
STAYS, STAYS_AGAIN, STAYS_NEW = 0.05, 0.15, 0.002
_MOST_SAID = 512  # bytes of a greeting that are read
_PAUSE = 0.05  # seconds before a server that closes at once is bothered again


class TcpLook(Look):
    """One address and port. `own`: it is this host's; only there can be seen whether a process took the connection."""

    refusals = 0  # of all looks together, as of Knock.refusals: those, at least, are no forwarder's

    def __init__(self, address: str, port: int, *, own: bool) -> None:
        self._address, self._port, self._own = address, port, own
        self._pending: TcpAttempt | None = None  # the first that nobody answered: it ends when somebody does
        self._held: TcpAttempt | None = None  # connected, and not yet known to be served
        self._since = 0.0
        self._refusal: State | None = None  # the last answer, while it stays the same
        self._knock: Knock | None = None  # at the door that refused
        self._scout: TcpAttempt | None = None  # the one that was not refused again
        self._was_away = False  # nobody was there when we looked before
        self._failures: int | None = None  # of all connects of this host, before the one that is held
        self._closes = False  # it closed the last connection at once
        self._stays = STAYS

    def look(self, *, takes_time: bool = True) -> State | None:
        """The state now; None where it is too early to tell. Without `takes_time`, connected is all that is asked."""
        if self._held is not None:
            return self._fate(self._held)
        if self._refusal is not None and self._refused_again():
            return self._refusal
        ended = self._ended()
        if ended is None:
            return self._silent()
        seen = ended.observation()
        if not (seen.outcome.good and self._own and takes_time):
            ended.__exit__(None, None, None)
            if seen.outcome is Outcome.REFUSED:
                TcpLook.refusals += 1
            state = state_of(seen)
            self._was_away = self._was_away or not (state.there or seen.outcome is Outcome.TIMED_OUT)
            self._stays = STAYS_AGAIN if seen.outcome is Outcome.RESET else self._stays
            if self._own and seen.outcome is Outcome.REFUSED:
                self._refusal = state
                self._knock = self._knock or Knock(sockaddr(self._address, self._port), AT_ONCE)
            return state
        self._held, self._since = ended, time.monotonic()
        return self._fate(ended)

    def unchanged(self) -> Callable[[], bool] | None:
        """After a refusal. Who is not refused any more is looked at the next time."""
        return self._knock.refused if self._refusal and self._knock else None

    def close(self) -> None:
        """Leave nothing open."""
        for attempt in (self._pending, self._held, self._scout):
            if attempt is not None:
                attempt.__exit__(None, None, None)
        self._pending = self._held = self._scout = None
        if self._knock is not None:
            self._knock.close()
            self._knock = None

    def _ended(self) -> TcpAttempt | None:
        """An attempt that has ended: the one under way, or a new one; a far host gets one at a time."""
        pending = self._pending
        if pending is not None and (pending.wait(0.0) or pending.seconds > RETRY):
            self._pending = None
            return pending
        if pending is not None and not self._own:
            return None
        self._failures = _failed_connects() if self._closes else None
        attempt, self._scout = self._scout or TcpAttempt(self._address, self._port).__enter__(), None
        if attempt.wait(AT_ONCE if self._own else SILENCE):
            self.close()
            return attempt
        if pending is None:
            self._pending = attempt
        else:
            attempt.__exit__(None, None, None)
        return None

    def _refused_again(self) -> bool:
        knock = self._knock
        with contextlib.suppress(OSError):  # a socket that is not to be had: the attempt itself tells
            if knock is not None and not knock.answered and knock.refused():
                return True
        self._refusal = None
        knocking = knock.take() if knock else None
        if knocking is not None:
            self._scout = TcpAttempt(self._address, self._port)
            self._scout.socket = knocking
        return False

    def _silent(self) -> State | None:
        pending = self._pending
        if pending is None or pending.seconds < SILENCE:
            return None
        return State(ready=False, there=False, says=NO_ANSWER, seen=pending.observation())

    def _fate(self, held: TcpAttempt) -> State | None:
        """What became of a connection: served, closed again, or left in the accept queue.

        Whether it was accepted is asked only where it matters: it takes the kernel milliseconds to look.
        """
        seen = held.observation()
        ending = _ending(held.socket, STAYS_NEW if self._was_away else self._stays)
        untaken = None if ending or self._was_away else _untaken(seen)
        if untaken:
            if time.monotonic() - self._since < SILENCE:
                return None
            return State(ready=False, there=True, says=untaken, seen=seen)
        self.close()
        if ending and not self._was_away:
            self._stays = STAYS_AGAIN
        if ending in REJECTIONS:
            return State(ready=False, there=True, says=f"accepts, then {ending}", seen=seen, pause=_PAUSE)
        if ending is None or (self._was_away and self._nobody_behind_was_missed()):
            self._closes = False
            return state_of(seen)
        if self._was_away and not self._closes:
            self._closes = True  # look once more, with an eye on what it does
            return None
        return State(ready=False, there=True, says=f"accepts, then {ending}", seen=seen, pause=_PAUSE)

    def _nobody_behind_was_missed(self) -> bool:
        """While it had our connection, no connect() on this host failed: closing is its own way."""
        return self._failures is not None and self._failures == _failed_connects()


def _untaken(seen: TcpConnect) -> str | None:
    """How a connection stands at its other end, where no process has it there; unless that is on another host."""
    found = read("far_end", seen.local, seen.peer) if seen.local and seen.peer else None
    if not isinstance(found, Socket):
        return None
    if found.unaccepted:
        return "connects, but is not accepted"
    lost = found.state == "SYN-RECV" and far_end(seen.local or "", seen.peer or "") == found.state
    return "connects, but the other end has not heard of it" if lost else None


def _failed_connects() -> int | None:
    counters = read("counters")
    if isinstance(counters, Unknown):
        return None
    failed: int = counters.protocol.get("Tcp.AttemptFails", 0)
    return failed - TcpLook.refusals - Knock.refusals


def _ending(connected: socket.socket | None, within: float) -> str | None:
    """How the peer ended it within so many seconds; None where it stands, or says something."""
    assert connected is not None
    poll = select.poll()
    poll.register(connected, select.POLLIN)
    if not poll.poll(within * 1000):
        return None
    try:
        said = connected.recv(_MOST_SAID, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return "resets"
    if not said:
        return "closes"
    return rejects(said.decode("latin-1"), lambda: _hangs_up(connected, within))  # few services speak first


def _hangs_up(connected: socket.socket, within: float) -> bool:
    poll = select.poll()
    poll.register(connected, getattr(select, "POLLRDHUP", 0))
    return bool(poll.poll(within * 1000))
