"""Read the facts that bear on what was seen: by topic, each from one function, nothing twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.host.read import read
from loopdiag.model.facts import Facts
from loopdiag.model.value import dataclass
from loopdiag.probes.resolve import resolve_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopdiag.model.counters import Counters
    from loopdiag.model.observation import Observation
    from loopdiag.model.target import Target
    from loopdiag.model.unknown import Unknown
    from loopdiag.probes.resolve import Resolution

MOST_ADDRESSES = 64  # a name may have more; these are tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the facts are wanted for. `addresses` are those of the target, in the order in which clients would try."""

    target: Target
    addresses: tuple[str, ...] = ()
    observations: tuple[Observation, ...] = ()
    port: int | None = None
    protocol: str = "tcp"  # tcp, udp, icmp
    resolution: Resolution | None = None  # what getaddrinfo said, so that nobody waits for it twice
    before: Counters | Unknown | None = None  # read("counters") from before the probe


def open_question(target: Target, family: int | None = None) -> Question:
    """The question about `target` before anything was sent: its addresses, and the counters to compare with later.

    `family` is 4, 6 or None for both. Raises UsageError for an address that cannot be meant.
    """
    resolution = None if target.host is None else resolve_addresses(target.host, family)
    return Question(
        target=target,
        addresses=tuple(map(str, resolution.addresses[:MOST_ADDRESSES])) if resolution else (),
        port=target.port,
        protocol=target.transport,
        resolution=resolution,
        before=read("counters"),
    )


def gather(question: Question, topics: Iterable[str], have: Facts | None = None) -> Facts:
    """`have` with each of `topics` read, in their order, where it was not read before."""
    from loopdiag.diagnose.topics import TOPICS

    facts = have or Facts()
    for topic in topics:
        if getattr(facts, topic) is None:
            facts = replace(facts, **{topic: TOPICS[topic](question, facts)})
    return facts
