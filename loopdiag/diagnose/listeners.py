"""`listeners`: who listens, on what, and from where it can be reached."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from loopdiag.diagnose.containers import with_container_names
from loopdiag.diagnose.listening import with_owners
from loopdiag.diagnose.session import Session
from loopdiag.explain.listeners.census import Asked, held_by, in_words, matching, owned, placed
from loopdiag.explain.listeners.standing import elsewhere, standing
from loopdiag.explain.reach import Surroundings
from loopdiag.host.read import read
from loopdiag.model.facts import Facts
from loopdiag.model.report import Verdict
from loopdiag.model.unknown import Unknown
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from loopdiag.model.finding import Finding
    from loopdiag.model.observation import TcpConnect
    from loopdiag.model.process import Process
    from loopdiag.model.report import Report
    from loopdiag.model.socket import Socket, UnixSocket
    from loopdiag.model.space import Space

    Owners = tuple[Process, ...] | Unknown
    OwnersOf = Callable[[Iterable[int]], Mapping[int, Owners]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be shown. `family` is 4, 6 or None; `timeout` is the longest wait of one connect, in seconds."""

    port: int | None = None
    process: str | None = None
    exposed: bool = False
    all_namespaces: bool = False
    verify: bool = False
    family: int | None = None
    timeout: float | None = None


def listeners(wish: Wish, seek: OwnersOf | Unknown | None = None) -> Report:
    """Every TCP listener and UDP socket that `wish` asks for, with its owner and its reach.

    `seek` is the topic `owners_ahead` where it was begun already.
    """
    session = Session("listeners")
    seek = seek or read("owners_ahead")
    here = read("sockets", port=wish.port, listening=True)
    if isinstance(here, Unknown):
        facts = Facts(listeners=here)
        return session.report(None, Verdict.UNKNOWN, "the sockets of this host could not be read", facts=facts)
    asked = Asked(port=wish.port, process=wish.process, exposed=wish.exposed, family=wish.family)
    gaps: list[Unknown] = []
    sockets = _placed_here(here, gaps)
    spaces = _spaces(wish, gaps)
    for space in spaces:
        sockets += _placed_there(space, gaps)
    candidates = matching(sockets, asked)
    owned(candidates, _owners({one.inode for one in candidates}, seek))
    found = _of_process(wish.process, candidates, with_container_names(candidates, gaps))
    gaps += _half_told(found)
    local = _unix_sockets(wish)
    if asked.process:
        gaps += _hidden(candidates)
    findings = [*standing(found), *_only_elsewhere(wish, found)]
    seen: tuple[TcpConnect, ...] = ()
    if wish.verify:
        from loopdiag.diagnose.verify import verify

        proof = verify(found, spaces, wish.timeout)
        seen, gaps = tuple(proof.seen), [*gaps, *proof.gaps()]
        findings = [*proof.against, *findings]
    said, summary = in_words(asked, found, local, findings, gaps)
    return session.report(
        None,
        said,
        summary,
        findings=findings,
        observations=seen,
        facts=Facts(listeners=found, unix_sockets=local or None),
        unknown=gaps,
        extra={"unix_listeners": local} if wish.process else {},
    )


def _owners(inodes: Iterable[int], seek: OwnersOf | Unknown) -> Mapping[int, Owners]:
    """By inode: the processes that hold each socket, or why they are hidden."""
    return dict.fromkeys(inodes, seek) if isinstance(seek, Unknown) else seek(inodes)


def _of_process(name: str | None, unnamed: Sequence[Socket], named: Sequence[Socket]) -> tuple[Socket, ...]:
    """Those that a process, unit or container of that name holds; a container by its id too."""
    if not name:
        return tuple(named)
    return tuple(after for before, after in zip(unnamed, named, strict=True)
                 if held_by(before.owners, name) or held_by(after.owners, name))  # fmt: skip


def _placed_here(sockets: Sequence[Socket], gaps: list[Unknown]) -> list[Socket]:
    return placed(sockets, _surroundings(read("interfaces"), read("local_table"), "this host", gaps))


def _placed_there(space: Space, gaps: list[Unknown]) -> list[Socket]:
    return placed(space.sockets, _surroundings(space.interfaces, space.local_table, "its namespace", gaps))


def _surroundings(interfaces: object, local: object, here: str, gaps: list[Unknown]) -> Surroundings | None:
    """None where the interfaces could not be read: then no reach can be told."""
    for part in (interfaces, local):
        if isinstance(part, Unknown) and part not in gaps:
            gaps.append(part)
    if not isinstance(interfaces, tuple):
        return None
    return Surroundings(interfaces, local if isinstance(local, tuple) else None, here)


def _spaces(wish: Wish, gaps: list[Unknown]) -> tuple[Space, ...]:
    """Other namespaces, where all are wanted."""
    if not wish.all_namespaces:
        return ()
    read_now = read("spaces", port=wish.port)
    if isinstance(read_now, Unknown):
        gaps.append(read_now)
        return ()
    spaces, unseen = read_now
    if unseen:
        gaps.append(unseen)
    found: tuple[Space, ...] = spaces
    return found


def _hidden(candidates: Iterable[Socket]) -> list[Unknown]:
    """Why the owner of some socket is not known: it may be the process that is asked for."""
    return list(dict.fromkeys(one.owners for one in candidates if isinstance(one.owners, Unknown)))


def _half_told(found: Iterable[Socket]) -> list[Unknown]:
    """What /proc/net does not tell of sockets: proc_pid_net(5)."""
    count = sum(map(attrgetter("incomplete"), found))
    because = (f"of {count} only /proc/net told, which has neither: one may be bound to a device, and so be reached by "
               "fewer, and one on [::] may serve IPv6 only")  # fmt: skip
    return [Unknown("IPV6_V6ONLY and devices of sockets", because)] if count else []


def _only_elsewhere(wish: Wish, found: Sequence[Socket]) -> tuple[Finding, ...]:
    """Where nobody here has the port: who has it in another namespace."""
    if found or wish.port is None or wish.all_namespaces or wish.exposed:
        return ()
    others = read("elsewhere", port=wish.port)
    return () if isinstance(others, Unknown) else elsewhere(wish.port, with_owners(others))


def _unix_sockets(wish: Wish) -> tuple[UnixSocket, ...]:
    """Those of the process that is asked for."""
    if not wish.process or wish.exposed:
        return ()
    every = read("unix_sockets")
    if isinstance(every, Unknown):
        return ()
    return tuple(one for one in with_owners([one for one in every if one.state == "LISTEN"])
                 if held_by(one.owners, wish.process))  # fmt: skip
