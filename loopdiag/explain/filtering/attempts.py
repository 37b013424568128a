"""Each attempt beside what the evaluated rules do to its packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.listeners.serving import serving
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.service import Said
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.finding import Evidence
    from loopdiag.model.observation import Observation
    from loopdiag.model.packetfilter import FilterPath, FilterStep

KINDS = ("tcp-connect", "udp", "icmp-echo")
NAT = ("dnat", "redirect", "rewrite")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one kind of attempt at one endpoint saw, each time, and the paths of its packets."""

    seen: tuple[Observation, ...]
    paths: tuple[FilterPath, ...]

    @property
    def to(self) -> str:
        return self.seen[0].to

    @property
    def failures(self) -> tuple[Observation, ...]:
        return tuple(one for one in self.seen if not one.outcome.good)

    @property
    def silent(self) -> bool:
        """At least once, nothing came back."""
        return any(one.outcome is Outcome.TIMED_OUT for one in self.seen)

    @property
    def refused_to_send(self) -> bool:
        """The call that sends gave EPERM (ENOBUFS at egress), as a drop does to UDP and ICMP, never to TCP."""
        return any(one.errno in ("EPERM", "ENOBUFS") and one.kind != "tcp-connect" for one in self.seen)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(seen(one) for one in self.failures[:3])

    @property
    def probe(self) -> FilterPath | None:
        """The way of the packet that was sent."""
        return self.paths[0] if self.paths else None

    @property
    def opening(self) -> tuple[FilterPath, ...]:
        """The ways of the packets that open it: of the probe, and of what answers it."""
        return tuple(path for path in self.paths if not path.packet.follows)

    @property
    def following(self) -> tuple[FilterPath, ...]:
        """The ways of the packets that follow once a connection stands at the client's end."""
        return tuple(path for path in self.paths if path.packet.follows)

    @property
    def passes(self) -> bool:
        """The rules certainly let all its packets pass."""
        return all(path.certain and path.verdict == "accept" for path in self.paths)


def attempts(case: Case) -> list[Attempt]:
    """The attempts of a case, those that sent packets of their own."""
    groups: dict[str, list[Observation]] = {}
    for one in case.observations:
        if one.kind in KINDS:
            groups.setdefault(one.label, []).append(one)
    paths = case.facts.filter_paths or ()
    return [Attempt(tuple(group), tuple(path for path in paths if path.of == label)) for label, group in groups.items()]


def failed(case: Case) -> list[Attempt]:
    """Those of which at least one try got nothing."""
    return [one for one in attempts(case) if one.failures]


def half_open(case: Case, attempt: Attempt) -> TcpConnect | None:
    """A connection that the listener's kernel does not know to be complete, for want of its last packet."""
    half = next((one for one in attempt.seen if isinstance(one, TcpConnect) and one.half_open), None)
    full = half is not None and any(there.full for there in serving(case, half))
    return None if full else half


def unacknowledged(case: Case, attempt: Attempt) -> tuple[Said, ...]:
    """What was said over the connection, and did not come as far as the other end's kernel."""
    return tuple(
        one for one in case.observations
        if isinstance(one, Said) and one.to == attempt.to and one.unacknowledged and one.outcome is Outcome.TIMED_OUT
    )  # fmt: skip


def is_cut_off(case: Case, attempt: Attempt) -> bool:
    """The connection came about, and what followed did not arrive, or at least nothing came of it."""
    silent = any(
        isinstance(one, Said) and one.to == attempt.to and one.outcome is Outcome.TIMED_OUT for one in case.observations
    )
    return not attempt.failures and (silent or half_open(case, attempt) is not None)


def dropped(case: Case) -> bool:
    """The kernel's own record says that netfilter dropped one of our packets."""
    return any(drop.reason == "NETFILTER_DROP" for drop in known(case.facts.drops) or ())


def uncertain(attempt: Attempt, actions: Iterable[str]) -> Iterator[tuple[FilterPath, FilterStep]]:
    """The steps of these kinds that may have been taken, while it was opened."""
    wanted = tuple(actions)
    for path in attempt.opening:
        for step in path.steps:
            if not step.certain and step.action in wanted:
                yield path, step


def moves(path: FilterPath) -> FilterStep | None:
    """The step that surely sends the packet to another address or port than the one asked for."""
    new, old = path.rewritten, path.packet
    if new is None:
        return None
    same = (new.destination, new.destination_port) == (old.destination, old.destination_port)
    vague = new.unknown - old.unknown
    if same and not vague & {"destination", "destination_port"}:
        return None
    return next((step for step in path.steps if step.action in NAT and step.certain), None)
