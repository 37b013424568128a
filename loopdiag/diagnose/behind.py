"""The topic `behind`: where something was passed on to, another network namespace mostly, and what listens there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.containers import with_container_names
from loopdiag.diagnose.listening import with_owners
from loopdiag.explain.evidence import known
from loopdiag.explain.filtering.attempts import moves
from loopdiag.explain.own import is_loopback
from loopdiag.host.read import read
from loopdiag.model.observation import Outcome
from loopdiag.model.space import Space
from loopdiag.model.target import split_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts
    from loopdiag.model.socket import Socket

_MOST = 4  # ends that are looked for
_FAILED = (Outcome.REFUSED, Outcome.TIMED_OUT)


def behind(question: Question, facts: Facts) -> tuple[Space, ...]:
    """Of this host or another namespace that has such an address: what listens on the port, on whatever address."""
    ends = dict.fromkeys([*_forwarded(facts), *_translated(question, facts), *_others(question, facts)])
    spaces: dict[str, Space] = {}
    for address, port in list(ends)[:_MOST]:
        found = _here(facts, port) if _is_own(facts, address) else _there(address, port)
        if found:
            have = spaces[found.path].sockets if found.path in spaces else ()
            spaces[found.path] = replace(found, sockets=(*have, *found.sockets))
    return tuple(spaces.values())


def _forwarded(facts: Facts) -> Iterator[tuple[str, int]]:
    """Where a forwarder was refused by another namespace."""
    for one in known(facts.backends) or ():
        address, port = split_port(one.to or "")
        if one.outcome == "refused" and port and not _is_own(facts, address):
            yield address, int(port)


def _translated(question: Question, facts: Facts) -> Iterator[tuple[str, int]]:
    """Where a nat rule surely sent what failed."""
    failed = {one.label for one in question.observations if one.outcome in _FAILED}
    for path in facts.filter_paths or ():
        new = path.rewritten
        if path.of in failed and new and new.destination_port and moves(path):
            yield new.destination, new.destination_port


def _others(question: Question, facts: Facts) -> Iterator[tuple[str, int]]:
    """What refused or gave no answer, and is not this host."""
    for one in question.observations:
        address = one.address.partition("%")[0]
        if one.outcome in _FAILED and one.port and known(facts.interfaces) and not _is_own(facts, address):
            yield address, one.port


def _is_own(facts: Facts, address: str) -> bool:
    held = (one.address for each in known(facts.interfaces) or () for one in each.addresses)
    return is_loopback(address) or address in held


def _here(facts: Facts, port: int) -> Space | None:
    sockets = read("sockets", port=port, listening=True)
    return Space.of_this_host(_listening(sockets), facts.interfaces) if isinstance(sockets, tuple) else None


def _there(address: str, port: int) -> Space | None:
    space = read("space_of", address, port=port)
    return replace(space, sockets=_listening(space.sockets)) if isinstance(space, Space) else None


def _listening(sockets: Sequence[Socket]) -> tuple[Socket, ...]:
    listening = [one for one in sockets if one.peer_port is None]
    return with_container_names(with_owners(listening))
