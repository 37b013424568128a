"""The topics `answers` and `names`: what getaddrinfo gave, from which source, and the files that decide it."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.sources import NUMERIC, source_of
from loopdiag.host.read import read
from loopdiag.model.names import Answer
from loopdiag.model.unknown import Unknown
from loopdiag.probes.resolve import Ask, ask_together, resolve_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts
    from loopdiag.model.names import NameFacts
    from loopdiag.probes.resolve import Resolution

_AT_HAND = 0.3  # seconds for a question that files alone answer


def names(question: Question, facts: Facts) -> NameFacts | Unknown | None:
    """The resolver's files for the target's name (for this host's own name where the target is a number)."""
    target = question.target
    if target.host is None:
        return None
    if target.address:
        if all(one.outcome.good for one in question.observations):
            return None
        own = _files(socket.gethostname())
        # Of interest for a number, but not needed: no gap is reported for it.
        return own if not isinstance(own, Unknown) and isinstance(own.hosts, tuple) else None
    found = _files(target.host)
    if isinstance(found, Unknown):
        return found
    resolution = _resolution(question)
    found = replace(found, errno=resolution.error, seconds=resolution.seconds, family=asked_family(resolution))
    found = with_own_servers(found)
    addresses = resolution.addresses or question.addresses
    if addresses and all(found.giving(str(one)) for one in addresses):
        # Files answer it, unless the flag leaves out the very family that they have: then programs ask DNS too.
        limited = ask_together(target.host, [Ask(resolution.family, configured_only=True)], _AT_HAND)[0]
        found = replace(found, configured_only=outcome(limited))
    return found


def with_own_servers(found: NameFacts) -> NameFacts:
    """With why the name servers on this host gave no answer, where that is what the name wants for."""
    if not found.errno:
        return found
    from loopdiag.diagnose.name_servers import own_servers

    return replace(found, own_servers=own_servers(found))


def answers(question: Question, facts: Facts) -> tuple[Answer, ...] | Unknown | None:
    """The target's addresses in getaddrinfo's order, each with the source that gave it."""
    target = question.target
    if target.host is None:
        return None
    if target.address:
        return (Answer(str(target.address), family_name(str(target.address)), NUMERIC),)
    addresses = tuple(map(str, _resolution(question).addresses)) or question.addresses
    return attributed(addresses, _files(target.host) if facts.names is None else facts.names)


def attributed(addresses: Iterable[str], found: NameFacts | Unknown) -> tuple[Answer, ...]:
    """Each address with its source, as far as it can be told."""
    return tuple(
        Answer(one, family_name(one), None if isinstance(found, Unknown) else source_of(one, found))
        for one in addresses
    )


def family_name(address: str) -> str:
    """`ipv4` or `ipv6`."""
    return "ipv6" if ":" in address else "ipv4"


def asked_family(resolution: Resolution) -> str | None:
    """`ipv4` or `ipv6` where that alone was asked for."""
    return f"ipv{resolution.family}" if resolution.family else None


def outcome(resolution: Resolution) -> tuple[str, ...] | str:
    """The addresses as text, or the error's name."""
    return resolution.error or tuple(map(str, resolution.addresses))


def _files(name: str) -> NameFacts | Unknown:
    found: NameFacts | Unknown = read("names", name)
    return found


def _resolution(question: Question) -> Resolution:
    from loopdiag.probes.resolve import Resolution

    if question.resolution:
        return question.resolution
    host = question.target.host or ""
    if question.addresses:
        return Resolution(host, None, (), None, 0.0)
    return resolve_addresses(host)
