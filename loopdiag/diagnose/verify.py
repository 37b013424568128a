"""Prove from where TCP listeners are reached, by connecting to them: `listeners --verify`.

Only own addresses are tried, of the host or of the namespace that the listener is in. UDP is not: a datagram could
do something there, and proves nothing where it is not answered.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from loopdiag.diagnose.why import why
from loopdiag.explain.listeners.trial import Trial, disagreeing, trials
from loopdiag.host.read import read
from loopdiag.model.errors import LoopdiagError
from loopdiag.model.finding import Severity
from loopdiag.model.target import parse_host
from loopdiag.model.unknown import Unknown
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


def verify(
    listeners: Sequence[Socket], spaces: Sequence[Space], timeout: float | None = None
) -> tuple[tuple[TcpConnect, ...], tuple[Finding, ...]]:
    """Every connect() that was tried, and why those failed that should have been answered."""
    seen: list[TcpConnect] = []
    against: list[Finding] = []

    by_space: dict[str | None, list[Socket]] = {}
    for one in listeners:
        by_space.setdefault(one.namespace, []).append(one)
    _prove(by_space.get(None, ()), timeout, seen, against)
    for space in spaces:
        if space.name in by_space:
            _inside(space, partial(_prove, by_space[space.name], timeout, seen, against))
    return tuple(seen), tuple(against)


def _prove(listeners: Sequence[Socket], timeout: float | None, seen: list[TcpConnect], against: list[Finding]) -> None:
    interfaces = read("interfaces")
    if isinstance(interfaces, Unknown):
        return
    wanted = trials(listeners, interfaces)[: max(0, MOST - len(seen))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda one: connect_tcp(one.address, one.port, timeout or TIMEOUT), wanted))
    seen += found
    for one in disagreeing(wanted, found)[: max(0, EXPLAINED - len(against))]:
        against += _why(one)


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
