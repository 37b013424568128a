"""Send, wait, take in what comes: the loop of ping, paced by a clock, by the answers, or by both."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from loopdiag.model.echo import EchoProblem, EchoSent, EchoSilence
from loopdiag.model.observation import Outcome
from loopdiag.probes.icmp.ledger import Ledger
from loopdiag.probes.icmp.options import FLOOD_PAUSE
from loopdiag.probes.icmp.problems import FROM_LOCAL, reason, wording
from loopdiag.probes.outcome import errno_name, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.model.echo import EchoEvent
    from loopdiag.probes.icmp.control import Control
    from loopdiag.probes.icmp.ledger import Request
    from loopdiag.probes.icmp.options import EchoOptions
    from loopdiag.probes.icmp.problems import Note
    from loopdiag.probes.icmp.sockets import EchoSocket

# No way leads there, whatever is sent: trying again tells nothing. A refusal (EPERM) may be one packet's bad luck.
HOPELESS = frozenset({"ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EINVAL", "EACCES", "ENETDOWN", "EAFNOSUPPORT"})


class Engine:
    """One run. `watch` is told of everything as it happens, where somebody watches."""

    def __init__(
        self, sock: EchoSocket, options: EchoOptions, control: Control, watch: Callable[[EchoEvent], None] | None,
        *, wait: float, expect: str | None,
    ) -> None:  # fmt: skip
        self._sock, self._options, self._control = sock, options, control
        self._watch = None if options.quiet else watch
        self._expect = expect  # the address that must answer; None for multicast, broadcast, 0.0.0.0
        self._wait = wait
        self.ledger = Ledger(wait)
        self._hopeless = False
        self._silent: deque[Request] = deque()  # unanswered, in the order of sending; only kept for who watches
        self.ended = 0.0

    def run(self) -> None:
        """Until the count, the deadline, an interrupt, or until more tells nothing."""
        now = self._began = self._due = time.perf_counter()
        while not self._over(now):
            if now >= self._due and self._wants_more():
                self._send()
                self._take_in()
            else:
                self._sock.wait(self._patience(now), self._control.descriptors)
                self._take_in()
            now = time.perf_counter()
            self._attend(now)
        self._take_in()
        self.ended = time.perf_counter()

    def _wants_more(self) -> bool:
        """With a deadline ping goes on past the count, until so many are answered: ping(8), -w."""
        count, deadline = self._options.count, self._options.deadline
        return count is None or self.ledger.transmitted < count or deadline is not None

    def _over(self, now: float) -> bool:
        ledger, options = self.ledger, self._options
        if self._control.stopped or self._hopeless:
            return True
        if options.deadline is not None and (now >= self._began + options.deadline or ledger.errors):
            return True
        if options.count is None:
            return False
        if (ledger.received if options.deadline is not None else ledger.settled) >= options.count:
            return True
        return not self._wants_more() and now >= ledger.last_sent + self.linger()

    def linger(self) -> float:
        """How long to wait after the last request, in seconds: where answers come, two round trips are enough."""
        if not self.ledger.received:
            return self._wait
        return min(self._wait, max(2 * self.ledger.rtt.max, self._options.interval, FLOOD_PAUSE))

    def _patience(self, now: float) -> float:
        """Seconds until something must be done even if nothing comes in."""
        times = [self._due if self._wants_more() else self.ledger.last_sent + self.linger()]
        if self._options.deadline is not None:
            times.append(self._began + self._options.deadline)
        if self._silent:
            times.append(self._silent[0].sent + self._wait)
        return min(times) - now

    def _send(self) -> None:
        sequence = self.ledger.transmitted + 1
        wall, now = time.time_ns(), time.perf_counter()
        request = self.ledger.sent(sequence, now, wall)
        self._due = self._next_due(now)
        try:
            self._send_once(request)
        except OSError as fault:
            self._refused(request, fault)
        else:
            if self._watch and self._options.flood:
                self._watch(EchoSent(sequence))
            elif self._watch:
                self._silent.append(request)

    def _send_once(self, request: Request) -> None:
        try:
            request.sent = self._sock.send(request.sequence)
        except OSError:
            # An ICMP error for an earlier request is told by the next call, which then has sent nothing.
            if not self._take_notes():
                raise
            request.sent = self._sock.send(request.sequence)

    def _next_due(self, now: float) -> float:
        if not self._options.eager:
            return max(self._due + self._options.interval, now)
        return now + max(FLOOD_PAUSE, self._options.least_interval)

    def _refused(self, request: Request, fault: OSError) -> None:
        number = fault.errno or 0
        request.failed_call = request.failed_call or "sendto"
        known = request.outcome is not None  # a local error of the error queue has told already
        self.ledger.failed(request, outcome_of(number), number, time.perf_counter())
        self.ledger.send_failures += 1
        self._hopeless = errno_name(number) in HOPELESS and not self.ledger.received
        if self._watch and not known:
            self._watch(EchoProblem(at=time.time(), sequence=request.sequence, sender=None,
                                    says=f"sendto: {reason(number)}", errno=errno_name(number)))  # fmt: skip

    def _take_in(self) -> None:
        """Everything that waits: replies first, as their moment counts, then the stamps of what was sent."""
        while (came := self._sock.receive()) is not None:
            if self._sock.owes_stamps:
                self._take_notes()
            event = self.ledger.replied(came, time.time() if self._watch else 0.0)
            if event and self._watch:
                self._tell(event)
            latest = self.ledger.latest
            if self._options.eager and latest and latest.outcome is Outcome.REPLIED:
                self._due = latest.sent + self._options.least_interval
                return
        self._take_notes()

    def _tell(self, event: EchoEvent) -> None:
        from dataclasses import replace

        from loopdiag.model.echo import EchoReply

        assert self._watch
        if self._expect and isinstance(event, EchoReply) and event.sender != self._expect:
            event = replace(event, different_address=True)
        self._watch(event)

    def _take_notes(self) -> bool:
        """Read the error queue; whether an ICMP error was on it."""
        problem = False
        while (entry := self._sock.next_note()) is not None:
            wire, note, stamp = entry
            if wire is not None and stamp is not None:
                self.ledger.stamped(wire, stamp)
                if self._options.eager and not self._sock.owes_stamps:
                    break
            elif note.errno and (wire is not None or note.origin == FROM_LOCAL):
                problem = problem or note.origin != FROM_LOCAL
                self._problem(wire, note)
        return problem

    def _problem(self, wire: int | None, note: Note) -> None:
        request = self.ledger.of(wire)
        if request is None:
            return
        request.error, request.error_from = wording(note), note.sender
        self.ledger.failed(request, outcome_of(note.errno), note.errno, time.perf_counter())
        self.ledger.errors += 1
        if self._watch:
            self._watch(EchoProblem(at=time.time(), sequence=request.sequence, sender=note.sender,
                                    says=wording(note), errno=errno_name(note.errno)))  # fmt: skip

    def _attend(self, now: float) -> None:
        """Tell of silence as it is noticed, and of the counts so far where somebody asks for them."""
        while self._silent and (self._silent[0].outcome or now >= self._silent[0].sent + self._wait):
            request = self._silent.popleft()
            if request.outcome is None and self._watch:
                self._watch(EchoSilence(at=time.time(), sequence=request.sequence, after=self._wait))
        if self._control.asked:
            self._control.answer(self.ledger.statistics())
