"""How the topics about sockets are read: who listens on the port, what else uses it, who listens elsewhere."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.explain.listeners.condition import is_held_up
from loopdiag.explain.listeners.serving import zoneless
from loopdiag.explain.reach import Surroundings
from loopdiag.host.read import PLATFORM, read
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeVar

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts
    from loopdiag.model.socket import Socket, UnixSocket

    One = TypeVar("One", Socket, UnixSocket)

# A server that is alive accepts within a millisecond; one that has not after so many seconds is told of.
ACCEPTS_WITHIN = 0.8
_FIRST_LOOK, _LONGEST_PAUSE = 0.002, 0.05  # seconds
_NO_PORT_LEFT = ("EADDRNOTAVAIL", "EAGAIN")  # of connect() and, for UDP, of send(): ip(7)


def listeners(question: Question, facts: Facts) -> Any:
    """TCP listeners and unconnected UDP sockets on the port, once the connections of our probe were accepted."""
    port = _port(question)
    if port is None:
        return None
    found = _once_accepted(port, _ours(question))
    if isinstance(found, Unknown):
        return found
    interfaces = facts.interfaces or read("interfaces")
    if isinstance(interfaces, Unknown):
        return found
    around = Surroundings(interfaces)
    return tuple(replace(one, reach=around.reach(one).kind) for one in found)


def unlisted(question: Question, facts: Facts) -> Any:
    """TCP sockets that are bound, where the kernel does not tell such by itself; None where it does."""
    found = read("unlisted", _wanted(question)) if PLATFORM == "linux" and question.protocol == "tcp" else None
    return found or None


def sockets(question: Question, facts: Facts) -> Any:
    """All sockets that use the port; where no source port was left, all sockets. Owners of those at this end."""
    port = _port(question)
    found = read("sockets", port=_wanted(question))
    if isinstance(found, Unknown):
        return found
    found += facts.unlisted if isinstance(facts.unlisted, tuple) else ()
    listening = () if isinstance(facts.listeners, Unknown) else facts.listeners or ()
    have = {one.inode: one.owners for one in listening}
    here = [one for one in found if one.port == port and one.inode not in have]
    owned = {one.cookie: one for one in with_owners(here)}
    return tuple(owned.get(one.cookie) or replace(one, owners=have.get(one.inode, ())) for one in found)


def elsewhere(question: Question, facts: Facts) -> Any:
    """Who listens on the port in other network namespaces of this machine."""
    port = _port(question)
    found = None if port is None else read("elsewhere", port=port)
    if found is None or isinstance(found, Unknown):
        return found
    from loopdiag.diagnose.containers import with_container_names  # loaded only where somebody is to be named

    return with_container_names(with_owners(found)) if found else ()


def unix_sockets(question: Question, facts: Facts) -> Any:
    """UNIX sockets that can be connected or sent to, once our own connection was accepted."""
    target = question.target
    connected = target.transport == "unix" and any(one.outcome.good for one in question.observations)
    found = _unix_once_accepted(target.path) if connected else read("unix_sockets")
    return found if isinstance(found, Unknown) else with_owners(found)


def _port(question: Question) -> int | None:
    return question.port or question.target.port


def _wanted(question: Question) -> int | None:
    """The port to look for; None, for all, where no source port was left."""
    exhausted = any(seen.errno in _NO_PORT_LEFT for seen in question.observations)
    return None if exhausted else _port(question)


def _ours(question: Question) -> set[str]:
    """The client ends of the TCP connections that this probe made."""
    return {
        zoneless(seen.local)
        for seen in question.observations
        if seen.kind == "tcp-connect" and seen.outcome.good and seen.local
    }


def _once_accepted(port: int, ours: set[str]) -> tuple[Socket, ...] | Unknown:
    """Looks again until no connection of ours waits in an accept queue, or nothing is gained by waiting."""
    deadline, pause = time.monotonic() + ACCEPTS_WITHIN, _FIRST_LOOK
    owned: tuple[Socket, ...] | None = None
    while True:
        found = read("sockets", port=port)
        if isinstance(found, Unknown):
            return found
        here = [one for one in found if _listens(one, port)]
        waiting = any(one.unaccepted and one.peer in ours for one in found)
        if waiting and owned is None:
            owned = with_owners(here)
        if not waiting or time.monotonic() > deadline or any(map(is_held_up, owned or ())):
            return tuple(sorted(with_owners(here), key=lambda one: (one.protocol, one.address, one.cookie)))
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _unix_once_accepted(path: str | None) -> Any:
    """Looks again until nobody waits at the listener on `path`, or for as long as a server may take."""
    deadline, pause = time.monotonic() + ACCEPTS_WITHIN, _FIRST_LOOK
    while True:
        found = read("unix_sockets")
        waiting = [] if isinstance(found, Unknown) else [one for one in found if one.path == path and one.queue]
        if not waiting or time.monotonic() > deadline or any(map(is_held_up, with_owners(waiting))):
            return found
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _listens(one: Socket, port: int) -> bool:
    return one.port == port and (one.state == "LISTEN" or (one.protocol == "udp" and one.peer_port is None))


def with_owners(found: Sequence[One]) -> tuple[One, ...]:
    """Each socket with the processes that hold it, or with why they are hidden."""
    owners = _owners(one.inode for one in found)
    if isinstance(owners, Unknown):
        return tuple(replace(one, owners=owners) for one in found)
    return tuple(replace(one, owners=owners.get(one.inode, ())) for one in found)


def _owners(inodes: Iterable[int]) -> Any:
    wanted = {inode for inode in inodes if inode}
    return read("owners", wanted) if wanted else {}
