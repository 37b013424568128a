"""One real attempt at every address of a target, waited for no longer than waiting tells something.

What answers on this host does so within microseconds. Where nothing comes, a second packet is sent while the kernel's
own record of dropped packets is on: a drop, or a full accept queue, ends the wait at once.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from loopdiag.diagnose.far_end import far_end
from loopdiag.diagnose.losses import lost_on_loopback
from loopdiag.explain.listeners.serving import covers
from loopdiag.host.read import read
from loopdiag.model.unknown import Unknown
from loopdiag.probes.tcp import TcpAttempt
from loopdiag.probes.udp import exchange_udp
from loopdiag.probes.unix import connect_unix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from socket import socket

    from loopdiag.model.journey import Drop
    from loopdiag.model.observation import Observation, UnixConnect
    from loopdiag.model.target import Target

QUICK = 0.1  # seconds: what takes longer than this on one's own host is worth a closer look
SILENCE = 1.2  # seconds: the first retransmission of a SYN (1 s after it: RFC 6298) went unanswered too
ICMP_SILENCE = 0.5


class Attempts:
    """The observations, in the order of the addresses, and the drops seen on the way (None: nothing was silent).

    With `keep` the connections that were made stay open, by their address, for who speaks on them: and closes them.
    """

    def __init__(self, target: Target, timeout: float | None = None, *, keep: bool = False) -> None:
        self._target = target
        self._timeout = timeout
        self._deadline = time.monotonic() + (timeout or SILENCE)
        self._keep = keep
        self.connections: dict[str, socket] = {}
        self.observations: list[Observation] = []
        self.drops: tuple[Drop, ...] | Unknown | None = None

    def run(self, addresses: Sequence[str]) -> Attempts:
        """Try each address by the target's transport."""
        if self._target.transport == "unix":
            self.observations.append(self._unix())
        elif self._target.transport == "tcp":
            self._tcp(addresses)
        else:
            one = self._udp if self._target.transport == "udp" else self._icmp
            self.observations.extend(one(address) for address in addresses)
        return self

    def _unix(self) -> UnixConnect:
        path = self._target.path or ""
        began = time.monotonic()
        return connect_unix(path, patience=lambda: _unix_full(path) if time.monotonic() - began > QUICK else None)

    def _tcp(self, addresses: Sequence[str]) -> None:
        """One after the other: a server that serves one client at a time must not find two of ours."""
        for address in addresses:
            with TcpAttempt(address, self._port) as attempt:
                ended = attempt.wait(min(QUICK, self._left))
                reason = None if ended else self._why_silent(attempt)
                ended = attempt.wait(0.0 if reason else self._left)
                seen = attempt.observation(None if ended else reason, far_end)
                self.observations.append(seen)
                if seen.half_open:
                    self._watch_another(address)
                elif self._keep and (connection := attempt.release()):
                    self.connections[address] = connection

    def _why_silent(self, first: TcpAttempt) -> str | None:
        """A reason to wait no longer; None where only time can tell."""
        with ExitStack() as stack:
            again: list[TcpAttempt] = []
            reason = self._dropped(
                lambda: again.append(stack.enter_context(TcpAttempt(first.address, self._port))), first.address
            )
            if again and not reason and again[0].wait(0.0):
                # The second got through where the first did not: loss, which the first tells by staying silent.
                self.observations.append(again[0].observation())
        return reason or self._queue_full(first.address)

    def _watch_another(self, address: str) -> None:
        """One more connection, held open while the kernel's record of drops is on."""
        with ExitStack() as stack:
            self._dropped(lambda: stack.enter_context(TcpAttempt(address, self._port)), address)

    def _queue_full(self, address: str) -> str | None:
        sockets = read("sockets", port=self._port, listening=True)
        if isinstance(sockets, Unknown):
            return None
        full = next((one for one in sockets if one.full and covers(one, address)), None)
        return f"the accept queue of {full.local} is full" if full else None

    def _udp(self, address: str) -> Observation:
        looked = False
        began = time.monotonic()

        def patience() -> str | None:
            """Asked now and then while nothing has come: looks once, when the silence has become suspicious."""
            nonlocal looked
            if looked or time.monotonic() - began < QUICK:
                return None
            looked = True
            return self._dropped(lambda: exchange_udp(address, self._port, 0.0), address)

        return exchange_udp(address, self._port, max(QUICK, self._left), patience=patience)

    def _icmp(self, address: str) -> Observation:
        from loopdiag.probes.echo_once import echo_once

        seen = echo_once(address, min(self._timeout or ICMP_SILENCE, ICMP_SILENCE))
        if seen.outcome.value == "timed-out":
            self._dropped(lambda: echo_once(address, 0.0), address)
        return seen

    def _dropped(self, send: Callable[[], object], address: str) -> str | None:
        """Send once more with the kernel's record of drops on; the reason to stop waiting, where one was seen."""
        found = read("drops", send)
        if isinstance(found, Unknown):
            self.drops = self.drops or found
            return lost_on_loopback(send, address)
        before = () if self.drops is None or isinstance(self.drops, Unknown) else self.drops
        self.drops = (*before, *found)
        if not found:
            return None
        return f"the kernel dropped the packet: {found[0].reason or 'no reason given'} in {found[0].place}"

    @property
    def _left(self) -> float:
        """Seconds until the last moment at which silence is waited for."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def _port(self) -> int:
        return self._target.port or 0


def _unix_full(path: str) -> str | None:
    sockets = read("unix_sockets")
    if isinstance(sockets, Unknown):
        return None
    full = any(one.path == path and one.state == "LISTEN" and one.queue > one.queue_limit for one in sockets)
    return f"the accept queue of {path} is full" if full else None
