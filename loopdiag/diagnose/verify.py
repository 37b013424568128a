"""Prove from where TCP listeners are reached, by connecting to them: `listeners --verify`.

Only own addresses are tried, of the host or of the namespace that the listener is in. UDP is not: a datagram could
do something there, and proves nothing where it is not answered.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from loopdiag.diagnose.why import why
from loopdiag.explain.listeners.trial import Trial, disagreeing, trials
from loopdiag.explain.reach import NETWORK, Surroundings
from loopdiag.host.read import read
from loopdiag.model.errors import LoopdiagError
from loopdiag.model.finding import Severity
from loopdiag.model.target import parse_host
from loopdiag.model.unknown import Unknown
from loopdiag.model.value import dataclass
from loopdiag.probes.tcp import connect_tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopdiag.model.finding import Finding
    from loopdiag.model.observation import TcpConnect
    from loopdiag.model.socket import Socket
    from loopdiag.model.space import Space

TIMEOUT = 0.5  # seconds: an own address answers within a millisecond
MOST = 2000  # connections
AT_ONCE = 16
EXPLAINED = 3  # of those that did not answer as the tables say


@dataclass(slots=True)
class Proof:
    """What was tried, what it says against listeners, and how much was left untried."""

    seen: list[TcpConnect] = field(default_factory=list)
    against: list[Finding] = field(default_factory=list)
    connections_left: int = 0
    ports_left: int = 0
    others_only: int = 0

    def gaps(self) -> list[Unknown]:
        """What the proof does not cover."""
        found = []
        if self.connections_left:
            because = (f"--verify makes {MOST} connections at most: {self.connections_left} more were left out, and "
                       f"with them {self.ports_left} ports altogether; name a port or a process")  # fmt: skip
            found.append(Unknown("listeners that were not tried", because))
        if self.others_only:
            found.append(Unknown("listeners that were not tried", f"this host itself does not reach {self.others_only} "
                                 "that others may reach, so no connection from here can prove it"))  # fmt: skip
        return found


def verify(listeners: Sequence[Socket], spaces: Sequence[Space], timeout: float | None = None) -> Proof:
    """Every connect() that was tried, why those failed that should have been answered, and what was not tried."""
    proof = Proof()

    by_space: dict[str | None, list[Socket]] = {}
    for one in listeners:
        by_space.setdefault(one.namespace, []).append(one)
    _prove(by_space.get(None, ()), timeout, proof)
    for space in spaces:
        if space.name in by_space:
            _inside(space, partial(_prove, by_space[space.name], timeout, proof))
    return proof


def _prove(listeners: Sequence[Socket], timeout: float | None, proof: Proof) -> None:
    interfaces, local = read("interfaces"), read("local_table")
    if isinstance(interfaces, Unknown):
        return
    around = Surroundings(interfaces, local if isinstance(local, tuple) else None)
    every = trials(listeners, interfaces, around)
    wanted = every[: max(0, MOST - len(proof.seen))]
    left = every[len(wanted) :]
    proof.connections_left += len(left)
    proof.ports_left += len({one.port for one in left} - {one.port for one in wanted})
    proof.others_only += sum(one.protocol == "tcp" and one.reach == NETWORK and not around.reach(one).itself
                             for one in listeners)  # fmt: skip
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda one: connect_tcp(one.address, one.port, timeout or TIMEOUT), wanted))
    proof.seen += found
    for one in disagreeing(wanted, found)[: max(0, EXPLAINED - len(proof.against))]:
        proof.against += _why(one)


def _why(one: Trial) -> list[Finding]:
    """The root cause as `why` finds it; a listener's own namespace is that of the calling thread."""
    report = why(parse_host(one.address, one.port, "tcp"))
    return [found for found in report.findings if found.severity is not Severity.NOTE][:1]


def _inside(space: Space, work: Callable[[], None]) -> None:
    """In a thread that has moved into the namespace; threads that it starts are there too: setns(2)."""
    faults: list[BaseException] = []

    def moved() -> None:
        from loopdiag.host.linux.namespaces import enter

        try:
            enter(space.path)
        except OSError:
            return  # told already, as interfaces that could not be read
        try:
            work()
        except (OSError, LoopdiagError) as fault:
            faults.append(fault)

    thread = Thread(target=moved, name="namespace")
    thread.start()
    thread.join()
    if faults:
        raise faults[0]
