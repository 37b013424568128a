"""The books of a probe: each request with what came of it, and the counts. Pure: no socket, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.echo import EchoReply, IcmpEcho, Statistics
from loopdiag.model.observation import Outcome
from loopdiag.probes.icmp.samples import Samples
from loopdiag.probes.outcome import errno_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.echo import EchoPlan
    from loopdiag.probes.icmp.sockets import Received

KEPT = 1000  # observations: the first so many requests, and as many of the later ones that failed
_WIRE = 0xFFFF


class Request:
    """One request. Moments are `time.perf_counter`, stamps are nanoseconds of the wall clock."""

    __slots__ = (
        "damage", "duplicates", "error", "error_from", "failed_call", "kernel", "late", "number", "outcome",
        "reordered", "seconds", "sender", "sent", "sequence", "size", "stamp", "stamp_back", "ttl", "wall",
    )  # fmt: skip

    def __init__(self, sequence: int, sent: float, wall: int) -> None:
        self.sequence, self.sent, self.wall = sequence, sent, wall
        self.outcome: Outcome | None = None  # None: open
        self.seconds: float | None = None
        self.stamp: int | None = None
        self.stamp_back: int | None = None
        self.kernel: float | None = None
        self.sender: str | None = None
        self.size: int | None = None
        self.ttl: int | None = None
        self.number: int | None = None  # errno
        self.duplicates = 0
        self.late = self.reordered = False
        self.damage: str | None = None
        self.error: str | None = None
        self.error_from: str | None = None
        self.failed_call: str | None = None


class Ledger:
    """Requests by their sequence number on the wire, of which there are 65536: the latest one counts."""

    def __init__(self, wait: float) -> None:
        self._wait = wait
        self._open: dict[int, Request] = {}
        self._first: list[Request] = []
        self._failed: list[Request] = []
        self.transmitted = self.received = self.duplicates = self.corrupted = self.errors = 0
        self.late = self.reordered = self.send_failures = self.settled = 0
        self.rtt, self.kernel_rtt = Samples(), Samples()
        self.first_sent: float | None = None
        self.last_sent = 0.0
        self.latest: Request | None = None
        self._highest = 0  # the latest request that was answered

    def sent(self, sequence: int, at: float, wall: int) -> Request:
        """A request goes out."""
        request = Request(sequence, at, wall)
        self._let_go(self._open.get(sequence & _WIRE))
        self._open[sequence & _WIRE] = self.latest = request
        if len(self._first) < KEPT:
            self._first.append(request)
        self.transmitted += 1
        self.first_sent = at if self.first_sent is None else self.first_sent
        self.last_sent = at
        return request

    def _let_go(self, old: Request | None) -> None:
        """Keep what failed: it is what the rules judge by."""
        failed = old and old.sequence > KEPT and not (old.outcome and old.outcome.good)
        if old and failed and len(self._failed) < KEPT:
            self._failed.append(old)

    def stamped(self, wire: int, stamp: int | None) -> None:
        """The kernel's stamp of a request's leaving came back."""
        request = self._open.get(wire)
        if request and stamp and stamp >= request.wall:
            request.stamp = stamp
            self._time_in_kernel(request)

    def replied(self, came: Received, wall: float) -> EchoReply | None:
        """A reply came in; None where it answers nothing that was asked."""
        message = came.message
        request = self._open.get(message.sequence)
        if request is None:
            return None
        seconds = came.at - request.sent
        duplicate = request.outcome is Outcome.REPLIED
        if message.damage:
            self.corrupted += 1
            request.damage = request.damage or message.damage
        if duplicate and not message.bad_checksum:
            self.duplicates += 1
            request.duplicates += 1
        elif not message.bad_checksum:
            self._answered(request, came, seconds)
        return EchoReply(
            at=wall, sequence=request.sequence, sender=came.sender, bytes=message.size, ttl=message.ttl,
            seconds=seconds, kernel_seconds=None if duplicate else request.kernel, duplicate=duplicate,
            late=not duplicate and request.late, reordered=not duplicate and request.reordered,
            damage=message.damage, bad_checksum=message.bad_checksum,
        )  # fmt: skip

    def _answered(self, request: Request, came: Received, seconds: float) -> None:
        if request.outcome is None:
            self.settled += 1
        request.outcome, request.seconds = Outcome.REPLIED, seconds
        request.size, request.ttl, request.sender = came.message.size, came.message.ttl, came.sender
        request.stamp_back = came.stamp
        request.late = seconds > self._wait
        request.reordered = request.sequence < self._highest
        self.received += 1
        self.late += request.late
        self.reordered += request.reordered
        self._highest = max(self._highest, request.sequence)
        self.rtt.add(seconds)
        self._time_in_kernel(request)

    def _time_in_kernel(self, request: Request) -> None:
        """The stamps are of the wall clock, which may be set meanwhile: what the process saw bounds them."""
        if request.stamp is None or request.stamp_back is None or request.seconds is None:
            return
        seconds = (request.stamp_back - request.stamp) / 1e9
        if request.kernel is None and 0 <= seconds <= request.seconds:
            request.kernel = seconds
            self.kernel_rtt.add(seconds)

    def failed(self, request: Request, outcome: Outcome, number: int, at: float) -> None:
        """The kernel refused to send, or an ICMP error came for it: `number` is the errno."""
        if request.outcome is None:
            self.settled += 1
            request.outcome, request.number, request.seconds = outcome, number, at - request.sent

    def of(self, wire: int | None) -> Request | None:
        """The request with this number on the wire; the latest where the number is not known."""
        return self.latest if wire is None else self._open.get(wire)

    def requests(self, *, open_since: float) -> Iterator[Request]:
        """Those that were kept, in order. Left out: what was sent after `open_since` and is not decided."""
        for request in self._open.values():
            self._let_go(request)
        later = sorted(self._failed, key=lambda one: one.sequence)
        kept = (*self._first, *later)
        yield from [one for one in kept if one.outcome or one.sent <= open_since] or kept

    def statistics(self) -> Statistics:
        """The counts and times so far."""
        spent = self.last_sent - self.first_sent if self.first_sent is not None else 0.0
        return Statistics(
            transmitted=self.transmitted, received=self.received, duplicates=self.duplicates,
            corrupted=self.corrupted, errors=self.errors, late=self.late, reordered=self.reordered,
            send_failures=self.send_failures, seconds=spent,
            loss=(self.transmitted - self.received) / self.transmitted if self.transmitted else None,
            rtt=self.rtt.times(), kernel_rtt=self.kernel_rtt.times(),
        )  # fmt: skip


def nothing_sent() -> Statistics:
    """The counts of a probe that did not come to send anything."""
    return Ledger(0.0).statistics()


def observation(request: Request, plan: EchoPlan, waited: float) -> IcmpEcho:
    """The request as a value. `waited` is how long an open one was waited for."""
    return IcmpEcho(
        address=plan.address, outcome=request.outcome or Outcome.TIMED_OUT,
        errno=None if request.number is None else errno_name(request.number),
        seconds=waited if request.seconds is None else request.seconds, local=plan.source,
        sequence=request.sequence, socket_type=plan.socket_type, identifier=plan.identifier, device=plan.device,
        failed_call=request.failed_call, replied_from=request.sender, bytes=request.size,
        ttl=request.ttl, kernel_seconds=request.kernel, duplicates=request.duplicates, damage=request.damage,
        late=request.late, reordered=request.reordered, error=request.error, error_from=request.error_from,
    )  # fmt: skip
