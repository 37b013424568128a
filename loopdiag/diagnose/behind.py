"""The topic `behind`: other network namespaces, such as containers, to which something was passed on and refused."""

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
    from collections.abc import Iterator

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts

_MOST = 4  # ends that are looked for


def behind(question: Question, facts: Facts) -> tuple[Space, ...]:
    """Each with what listens in it on the port, on whatever address: there it shows why it was refused."""
    ends = dict.fromkeys([*_forwarded(facts), *_translated(question, facts)])
    found = [_space(address, port) for address, port in list(ends)[:_MOST] if not is_loopback(address)]
    return tuple(one for one in found if one)


def _forwarded(facts: Facts) -> Iterator[tuple[str, int]]:
    """Where a forwarder was refused."""
    for one in known(facts.backends) or ():
        address, port = split_port(one.to or "")
        if one.outcome == "refused" and port:
            yield address, int(port)


def _translated(question: Question, facts: Facts) -> Iterator[tuple[str, int]]:
    """Where a nat rule surely sent what was refused."""
    refused = {one.label for one in question.observations if one.outcome is Outcome.REFUSED}
    for path in facts.filter_paths or ():
        new = path.rewritten
        if path.of in refused and new and new.destination_port and moves(path):
            yield new.destination, new.destination_port


def _space(address: str, port: int) -> Space | None:
    space = read("space_of", address, port=port)
    if not isinstance(space, Space):
        return None
    listening = [one for one in space.sockets if one.protocol != "tcp" or one.state == "LISTEN"]
    return replace(space, sockets=with_container_names(with_owners(listening)))
