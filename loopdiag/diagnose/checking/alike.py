"""Which of many failed checks have their cause in common, told by all that decides about it and is cheap to compare."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.model.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from loopdiag.diagnose.checking.state import State
    from loopdiag.model.assertion import Assertion, Got
    from loopdiag.model.socket import Socket
    from loopdiag.model.target import Target

WITHIN = 1.0  # seconds for all of them
_BY_PORT = ("tcp", "udp", "http", "tls", "listener")


def alike(failed: Iterable[tuple[Assertion, Got]], state: State) -> list[list[Assertion]]:
    """The failed checks in groups: what holds for the cause of a group's first holds for all of it."""
    deadline = time.monotonic() + WITHIN
    groups: dict[Hashable, list[Assertion]] = {}
    for one, got in failed:
        key = _likeness(one, got, state) if time.monotonic() < deadline else None
        groups.setdefault(key or id(one), []).append(one)
    return list(groups.values())


def _likeness(one: Assertion, got: Got, state: State) -> Hashable | None:
    """Two checks of which this is the same differ in nothing that a rule looks at but the number of their port."""
    where = one.where
    if where is not None and (unknown := _unresolved(where, one.timeout, state)):
        return (one.kind == "resolve", *unknown)
    if where is None or where.transport == "unix" or one.kind not in (*_BY_PORT, "ping"):
        return None
    return (
        one.kind, where.scheme, where.host if where.address is None else None, got.says, one.also.get("protocol"),
        tuple(_ways(where, one.timeout, state)), _at_port(where.port, state) if where.port else (),
        tuple(_filtered(where, got, state)),
    )  # fmt: skip


def _unresolved(where: Target, timeout: float | None, state: State) -> tuple[Hashable, ...]:
    """Why a name has no address, where no line of the hosts file bears on it; nothing where it has one."""
    if where.address is not None or where.host is None:
        return ()
    error = state.addresses(where.host, timeout).error
    names = known(state.names(where.host)) if error else None
    if names is None or names.hosts != ():
        return ()
    return (error, where.host.endswith("."), where.host.lower().endswith(".localhost"), where.host == names.host_name)


def _ways(where: Target, timeout: float | None, state: State) -> Iterator[Hashable]:
    """How the kernel leads to each address; one of lo is like another."""
    if where.address is not None:
        yield state.way(str(where.address))
    elif where.host is not None:
        yield from map(state.way, map(str, state.addresses(where.host, timeout).addresses))


def _at_port(port: int, state: State) -> Hashable:
    """Everything that has the port: listeners, bound sockets, other namespaces', UNIX sockets that are named for it."""
    sockets = sorted(_socket(each, state) for each in (*state.on(port), *state.bound(port), *state.elsewhere(port)))
    return (tuple(sockets), port if state.has_unix_socket_for(port) else None)


def _socket(one: Socket, state: State) -> tuple[str, ...]:
    owners = () if one.namespace else known(state.owners_of(one)) or ()
    parts = (one.protocol, one.state, one.address, one.families, one.device, one.reach, one.full, one.namespace,
             [each.pid for each in owners] or one.inode)  # fmt: skip
    return tuple(map(str, parts))


def _filtered(where: Target, got: Got, state: State) -> Iterator[Hashable]:
    """Which rules of the packet filter decide about it, and how."""
    rules = known(state.ruleset())
    if got.seen is None or rules is None or not rules.chains:
        return
    from loopdiag.diagnose.gather import Question
    from loopdiag.diagnose.packets import paths_of

    facts = Facts(interfaces=state.interfaces(), listeners=state.on(where.port or 0))
    question = Question(target=where, observations=(got.seen,), port=where.port, protocol=where.transport)
    for path in paths_of(question, facts, rules):
        steps = tuple((step.action, id(step.rule), id(step.chain), step.detail) for step in path.steps)
        yield (path.verdict, path.certain, steps)
