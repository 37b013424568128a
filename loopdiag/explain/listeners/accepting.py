"""`listener-stopped`, `listener-out-of-descriptors`, `accept-queue-full`, `listener-not-accepting`: a listener is
there, and the kernel completes connections to it, but no process takes them: listen(2), accept(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.listeners.condition import how_stopped, is_activated, is_out_of_descriptors, owners
from loopdiag.explain.listeners.serving import serving, zoneless
from loopdiag.explain.listeners.wording import process_says, queue_of, shown, where, who
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity
from loopdiag.model.observation import Outcome
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.facts import Facts
    from loopdiag.model.observation import Observation
    from loopdiag.model.process import Process
    from loopdiag.model.socket import Socket

_HANGS = (Outcome.CONNECTED, Outcome.TIMED_OUT, Outcome.RESET)


@dataclass(frozen=True, slots=True)
class Met:
    """An attempt with the listener that it met. `waits`: its connection is complete, and nobody has accepted it."""

    seen: Observation
    listener: Socket
    waits: bool

    @property
    def full(self) -> bool:
        """The accept queue takes no more."""
        return self.listener.full

    @property
    def stuck(self) -> bool:
        """Nobody took this attempt out of the queue, or the queue had no room for it."""
        if self.seen.kind == "udp":
            return self.seen.outcome is Outcome.TIMED_OUT
        return self.waits or (self.full and self.seen.outcome is not Outcome.CONNECTED)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The attempt, the listener, what its first processes are doing."""
        waiting = (Evidence(f"connection {self.seen.local}", "complete, and still not accepted"),) if self.waits else ()
        processes = (process_says(one) for one in owners(self.listener)[:2])
        return (seen(self.seen), *waiting, *shown([self.listener]), *processes)


def is_waiting(facts: Facts, one: Observation) -> bool:
    """Whether the connection that `one` made is complete, and was still in an accept queue when `facts` were read."""
    sockets = known(facts.sockets) or ()
    return one.local is not None and any(each.unaccepted and each.peer == zoneless(one.local) for each in sockets)


def met(case: Case) -> Iterator[Met]:
    """The attempts that reached a listener, or its queue."""
    if case.command == "bind-test":
        return
    for one in case.observations:
        if one.kind not in ("tcp-connect", "udp") or one.outcome not in _HANGS:
            continue
        there = serving(case, one)
        waits = is_waiting(case.facts, one)
        # Of those that share the port, it waits at one that somebody waits at.
        holding = [listener for listener in there if listener.queue] or there
        for listener in there:
            yield Met(one, listener, waits and listener in holding)


def stopped(case: Case) -> Iterator[Finding]:
    """Processes that hold the listener are stopped or frozen; those that go on (a master) do not accept."""
    for one in met(case):
        held = owners(one.listener)
        asleep = [process for process in held if how_stopped(process)]
        if not asleep:
            continue
        if not one.stuck:
            if len(asleep) == len(held) and one.listener.queue:
                yield _one_of_several(one, how_stopped(held[0]) or "")
            continue
        how = how_stopped(asleep[0]) or ""
        yield Finding(
            cause="listener-stopped",
            certainty=Certainty.PROVEN if len(asleep) == len(held) else Certainty.LIKELY,
            subject=one.seen.to,
            statement=f"{asleep[0]}, which {_serves(one)}, is {how}: the kernel takes what comes to it, and nobody "
            f"answers",
            evidence=(*one.evidence, *(process_says(process) for process in asleep if process not in held[:2])),
            fixes=_wake(asleep[0], how),
        )


def _one_of_several(one: Met, how: str) -> Finding:
    """Sockets that share a port: this attempt was taken by another of them, and some have waited at this one."""
    return Finding(
        cause="listener-stopped",
        subject=who(one.listener),
        statement=f"{who(one.listener)}, one of those that share {where(one.listener)}, is {how}: the connections that "
        f"the kernel gives to it hang, and {queue_of(one.listener)}",
        evidence=one.evidence,
        fixes=_wake(owners(one.listener)[0], how),
    )


def _serves(one: Met) -> str:
    return f"{'listens on' if one.listener.protocol == 'tcp' else 'receives on'} {where(one.listener)}"


def _wake(process: Process, how: str) -> tuple[Fix, ...]:
    if "debugger" in how:
        return (Fix(f"let the debugger continue {process}, or detach it"),)
    if "frozen" in how:
        return (Fix(f"thaw the cgroup of {process} (docker unpause, systemctl thaw)"),)
    return (Fix(f"let {process} go on (fg in its shell, or SIGCONT)", f"kill -CONT {process.pid}"),)


def out_of_descriptors(case: Case) -> Iterator[Finding]:
    """Processes that hold the listener have as many files open as they may."""
    for one in met(case):
        held = owners(one.listener)
        short = [process for process in held if is_out_of_descriptors(process)]
        if one.listener.protocol != "tcp" or not one.stuck or not short:
            continue
        first = short[0]
        yield Finding(
            cause="listener-out-of-descriptors",
            certainty=Certainty.PROVEN if len(short) == len(held) else Certainty.LIKELY,
            subject=one.seen.to,
            statement=f"{first}, which {_serves(one)}, has {first.descriptors} files open and may have "
            f"{first.descriptor_limit}: accept() fails with EMFILE, and connections wait",
            evidence=one.evidence,
            fixes=(
                Fix(
                    "raise its limit of open files (LimitNOFILE= of its unit, ulimit -n before its start)",
                    f"prlimit --pid {first.pid} --nofile={2 * (first.descriptor_limit or 512)}",
                ),
                Fix("see which files it leaves open", f"ls -l /proc/{first.pid}/fd"),
            ),
        )


def queue_full(case: Case) -> Iterator[Finding]:
    """The attempt hung, and the accept queue of its listener holds more than its limit."""
    for one in met(case):
        if one.seen.kind != "tcp-connect" or one.seen.outcome is Outcome.CONNECTED or not one.full:
            continue
        yield Finding(
            cause="accept-queue-full",
            subject=one.seen.to,
            statement=f"the accept queue of {where(one.listener)} is full: {queue_of(one.listener)}, "
            f"{who(one.listener)} takes none, and the kernel drops new ones",
            evidence=(*one.evidence, *_overflows(case)),
            fixes=(
                Fix(f"see why {who(one.listener)} does not accept; restart it where it hangs"),
                Fix("where it is only slow, give listen() a larger backlog (net.core.somaxconn is the upper limit)"),
            ),
        )


def _overflows(case: Case) -> list[Evidence]:
    counters = known(case.facts.counters)
    more = counters.protocol.get("TcpExt.ListenOverflows", 0) if counters else 0
    return [Evidence("counter TcpExt.ListenOverflows", f"rose by {more} during the probe")] if more else []


def not_accepting(case: Case) -> Iterator[Finding]:
    """Our connection still waits, although no process is seen to be stopped or out of descriptors."""
    for one in met(case):
        held = owners(one.listener)
        if not one.waits or any(how_stopped(each) or is_out_of_descriptors(each) for each in held):
            continue
        served = _accepted(case, one.listener)
        busy = any(each.state == "R" or is_activated(each) for each in held)
        yield Finding(
            cause="listener-not-accepting",
            severity=Severity.WARNING if busy else Severity.ERROR,
            certainty=Certainty.PROVEN if held and not busy and not served else Certainty.LIKELY,
            subject=one.seen.to,
            statement=_statement(one, served, busy=busy),
            evidence=one.evidence,
            fixes=(
                Fix(f"see what {who(one.listener)} is waiting for; restart it where it hangs"),
                Fix("where a program inherited the socket from its parent, have the parent set close-on-exec on it"),
            ),
        )


def _statement(one: Met, served: int, *, busy: bool) -> str:
    name, place = who(one.listener), where(one.listener)
    if served:
        plural = "connection that it holds" if served == 1 else f"{served} connections that it holds"
        return f"{name} listens on {place}, but accepts no more: it seems to be held up by the {plural} already"
    if any(map(is_activated, owners(one.listener))):
        return f"{name} holds the socket {place} for a service that it starts on demand, and which is not up yet"
    if busy:
        return f"{name} listens on {place}, but is slow to accept: it is busy computing"
    return (
        f"{name} holds the listening socket {place}, but does not accept: the kernel completes connections, and "
        f"nobody serves them"
    )


def _accepted(case: Case, listener: Socket) -> int:
    """How many connections of the listener a process has taken."""
    return sum(
        1
        for one in known(case.facts.sockets) or ()
        if one.protocol == "tcp" and one.port == listener.port and one.peer_port and one.inode
        and one.state in ("ESTABLISHED", "CLOSE-WAIT") and one.address in (listener.address, *_any(listener, one))
    )  # fmt: skip


def _any(listener: Socket, one: Socket) -> tuple[str, ...]:
    return (one.address,) if listener.address in ("0.0.0.0", "::") else ()
