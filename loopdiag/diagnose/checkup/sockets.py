"""The checks of this host's sockets: queues that run full, processes that do not accept, ports that run out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from loopdiag.diagnose.checkup.result import found, passed, unread
from loopdiag.diagnose.listening import with_owners
from loopdiag.explain.listeners.condition import how_stopped, is_out_of_descriptors, owners
from loopdiag.explain.reach import Surroundings
from loopdiag.host.read import read
from loopdiag.model.finding import Evidence, Finding, Fix, Severity
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopdiag.diagnose.checkup.result import Looked
    from loopdiag.model.process import Process
    from loopdiag.model.socket import Socket

MUCH = 0.8  # of a limit
# Programs that serve a developer, or keep data without asking who comes, and are rarely meant for the network.
DEVELOPMENT = frozenset((
    "node", "deno", "bun", "vite", "next-server", "webpack", "esbuild", "hugo", "jekyll", "jupyter-lab",
    "jupyter-noteb", "flask", "uvicorn", "php", "redis-server", "mongod", "memcached", "mysqld", "postgres", "ollama",
))  # fmt: skip


@cache
def listeners() -> tuple[Socket, ...] | Unknown:
    """All TCP listeners, with their owners."""
    all_sockets = read("sockets", protocols=("tcp",), listening=True)
    return all_sockets if isinstance(all_sockets, Unknown) else with_owners(all_sockets)


def accept_queues() -> Looked:
    """No accept queue is full."""
    return _each(_full, "no accept queue is full")


def accepting() -> Looked:
    """No listener's process is stopped or out of file descriptors."""
    return _each(_held_up, "no listener's process is stopped or out of file descriptors")


def _each(judge: Callable[[Socket], Iterator[Finding]], fine: str) -> Looked:
    there = listeners()
    if isinstance(there, Unknown):
        return unread(there)
    faults = [one for listener in there for one in judge(listener)]
    return found(*faults) if faults else passed(f"{fine} ({len(there)} listeners)")


def _full(listener: Socket) -> Iterator[Finding]:
    if listener.queue_limit is None or listener.queue <= listener.queue_limit:
        return
    who = listener.process or "its process"
    yield Finding(
        cause="accept-queue-full",
        subject=listener.local,
        statement=f"{listener.queue} connections wait for {who} to accept them on {listener.local}, whose queue holds "
        f"{listener.queue_limit}: new ones get no answer",
        evidence=(Evidence(f"tcp socket {listener.local}", f"queue {listener.queue} of {listener.queue_limit}"),),
        fixes=(Fix(f"find out why {who} does not accept"),),
    )


def _held_up(listener: Socket) -> Iterator[Finding]:
    for process in owners(listener):
        how = how_stopped(process)
        if how:
            yield _finding("listener-stopped", listener, process, f"is {how}")
            return
        if is_out_of_descriptors(process):
            yield _finding("listener-out-of-descriptors", listener, process, "has all the files open that it may have")
            return


def _finding(cause: str, listener: Socket, process: Process, how: str) -> Finding:
    return Finding(
        cause=cause,
        severity=Severity.WARNING if len(owners(listener)) > 1 else Severity.ERROR,
        subject=listener.local,
        statement=f"{process} listens on {listener.local}, but {how}, so it accepts nobody",
        evidence=(Evidence(f"process {process.pid}", f"state {process.state}"),),
        fixes=(Fix(f"see 'loopdiag why {listener.local}'", f"loopdiag why {listener.local}"),),
    )


def exposed() -> Looked:
    """No server of a developer's is open to the network."""
    there, interfaces = listeners(), read("interfaces")
    for part in (there, interfaces):
        if isinstance(part, Unknown):
            return unread(part)
    if isinstance(there, Unknown):  # told above; for the type checker
        return unread(there)
    around = Surroundings(interfaces)
    open_ones = [
        f"{one.process} on {one.local}"
        for one in there
        if one.process and one.process.name in DEVELOPMENT and around.reach(one).kind == "network"
    ]
    if not open_ones:
        return passed("no development server is open to the network")
    from loopdiag.diagnose.checkup.result import Looked
    from loopdiag.model.checkup import State

    return Looked(State.WARNED, f"open to the network, though rarely meant to be: {', '.join(open_ones[:4])}")


def source_ports() -> Looked:
    """Enough source ports are left for connections of this host to itself."""
    settings = read("sysctls", ["net.ipv4.ip_local_port_range"])
    used = read("sockets", protocols=("tcp",))
    if isinstance(used, Unknown):
        return unread(used)
    limits = settings.get("net.ipv4.ip_local_port_range")
    if isinstance(limits, Unknown) or limits is None:
        return unread(Unknown("source ports", "net.ipv4.ip_local_port_range could not be read"))
    low, high = map(int, str(limits).split())
    taken = {one.port for one in used if low <= one.port <= high}
    waiting = sum(one.state == "TIME-WAIT" for one in used)
    room = high - low + 1
    said = f"{len(taken)} of {room} source ports in use, {waiting} connections in TIME-WAIT"
    if len(taken) < MUCH * room:
        return passed(said)
    return found(
        Finding(
            cause="ephemeral-ports-exhausted",
            severity=Severity.ERROR if len(taken) >= room else Severity.WARNING,
            subject=f"ports {low} to {high}",
            statement=f"source ports run out: {said}",
            evidence=(
                Evidence("sysctl net.ipv4.ip_local_port_range", f"{low} to {high}"),
                Evidence("TCP sockets", said),
            ),
            fixes=(
                Fix("keep connections open and use them again", None),
                Fix("widen the range", 'sysctl -w net.ipv4.ip_local_port_range="1024 65535"'),
            ),
        )
    )
