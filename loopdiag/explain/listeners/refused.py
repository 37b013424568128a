"""The attempts that were refused because no listener met them: what all `listener-other-…` causes start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.listeners.serving import on_port, protocol_of, serving
from loopdiag.explain.listeners.wording import listed
from loopdiag.explain.own import covering, is_loopback, local_route
from loopdiag.model.observation import Outcome
from loopdiag.model.routed import routed
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.finding import Evidence
    from loopdiag.model.observation import Observation
    from loopdiag.model.socket import Socket


@dataclass(frozen=True, slots=True)
class Refused:
    """An attempt that met nobody. `there` are the sockets that have the port all the same, by the same protocol."""

    seen: Observation
    there: tuple[Socket, ...]

    @property
    def address(self) -> str:
        """Without zone; loopback for 0.0.0.0 and ::."""
        return routed(self.seen.address)

    @property
    def to(self) -> str:
        """The endpoint as it was asked for."""
        return self.seen.to


def refused(case: Case) -> tuple[Refused, ...]:
    """Refused by this host itself, with no listener to meet and no packet filter to blame."""
    if known(case.facts.listeners) is None or case.command == "bind-test":
        return ()
    found = []
    for one in case.failed:
        if not _met_nobody(one) or not is_own(case, one.address) or is_diverted(case, one):
            continue
        if not serving(case, one):
            found.append(Refused(one, on_port(case, one)))
    return tuple(found)


def _met_nobody(one: Observation) -> bool:
    """TCP: a reset. An ICMP error in its place comes from a packet filter, never from a port that is closed."""
    if one.outcome is not Outcome.REFUSED or one.port is None:
        return False
    return one.kind == "udp" or (one.kind == "tcp-connect" and getattr(one, "error_from", None) is None)


def is_own(case: Case, address: str) -> bool:
    """Whether packets to it stay on this host, as far as that was read."""
    bare = routed(address)
    if is_loopback(bare) or covering(case, bare):
        return True
    route = local_route(case, bare)
    if route is not None:
        return route.type == "local"
    answer = known(case.facts.route)
    if answer is not None and answer.destination == bare and answer.type:
        return answer.type == "local"
    return not case.facts.interfaces


def is_diverted(case: Case, one: Observation) -> bool:
    """A packet filter rule certainly rejected its packet, or certainly sent it somewhere else."""
    for path in known(case.facts.filter_paths) or ():
        if path.of != one.label or path.packet.answer or not path.certain:
            continue
        moved = path.rewritten and (path.rewritten.destination, path.rewritten.destination_port) != (
            path.packet.destination,
            path.packet.destination_port,
        )
        if moved or path.verdict == "reject":
            return True
    return False


def filter_ruled_out(case: Case, attempts: Iterable[Refused]) -> bool:
    """The packet filter was read, and certainly lets these attempts pass unchanged."""
    paths = case.facts.filter_paths
    if paths is None:
        return False
    labels = {one.seen.label for one in attempts}
    mine = [path for path in paths if path.of in labels]
    return all(path.certain and path.verdict == "accept" and path.rewritten is None for path in mine)


def subject(case: Case, attempts: Iterable[Refused]) -> str:
    """One endpoint, or the target where several of its endpoints were refused."""
    ends = list(dict.fromkeys(one.to for one in attempts))
    return ends[0] if len(ends) == 1 else str(case.target)


def refusals(attempts: Iterable[Refused]) -> tuple[Evidence, ...]:
    """The attempts as evidence."""
    return tuple(seen(one.seen) for one in list(attempts)[:4])


def ends(attempts: Iterable[Refused]) -> str:
    """The endpoints, for a sentence."""
    return listed(one.to for one in attempts)


def are_refused(attempts: Sequence[Refused]) -> str:
    """`connections to 127.0.0.1:80 are refused`."""
    what = "datagrams" if attempts[0].seen.kind == "udp" else "connections"
    return f"{what} to {ends(attempts)} are refused"


def protocol_name(attempts: Iterable[Refused]) -> str:
    """`TCP` or `UDP`."""
    return next(protocol_of(one.seen).upper() for one in attempts)
