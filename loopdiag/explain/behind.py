"""What listens where something was passed on to: in a container, or on another port of this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.filtering.attempts import moves
from loopdiag.explain.listeners.serving import WILDCARDS, protocol_of
from loopdiag.explain.listeners.wording import holders_of, shown, way_in, who
from loopdiag.explain.own import is_loopback
from loopdiag.model.address import endpoint
from loopdiag.model.finding import Fix
from loopdiag.model.target import split_port
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.case import Case
    from loopdiag.model.finding import Evidence
    from loopdiag.model.observation import Observation
    from loopdiag.model.socket import Socket
    from loopdiag.model.space import Space


@dataclass(frozen=True, slots=True)
class Behind:
    """The end of a way, `172.17.0.2:80`, with the namespace that has its address and who has the port there."""

    end: str
    space: Space
    listeners: tuple[Socket, ...]

    @property
    def serving(self) -> tuple[Socket, ...]:
        """Those that have that very address."""
        address, _ = split_port(self.end)
        return tuple(one for one in self.listeners if one.address in (address, *WILDCARDS))

    @property
    def says(self) -> str:
        """Half a sentence: why it refuses."""
        address, port = split_port(self.end)
        only = "" if self.serving else " only"
        held = f"{holders_of(self.listeners)}{only}" if self.listeners else f"nothing has port {port}"
        if self.space.is_here:
            return f"on this host, {held}"
        return f"in the network namespace {self.space.name}, which has {address}, {held}"

    @property
    def fix(self) -> Fix:
        """The first thing to do about it."""
        address, _ = split_port(self.end)
        inside = "" if self.space.is_here else f" {way_in(self.space)}"
        if self.serving:
            there = "here" if self.space.is_here else f"in {self.space.name}"
            return Fix(f"find out what keeps packets from it {there}", f"loopdiag why {self.end}{inside}")
        if self.listeners:
            every = "::" if ":" in address else "0.0.0.0"
            there = "" if self.space.is_here else " in there"
            return Fix(f"let {who(self.listeners[0])} listen on {every}{there}, or on {address} alone")
        start = f"start what should listen on {self.end}"
        if self.space.is_here:
            return Fix(start, f"loopdiag why {self.end}")
        return Fix(f"{start}; this shows what listens in there", f"loopdiag listeners{inside}")

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return shown(self.listeners)


def behind(case: Case, end: str | None, protocol: str = "tcp") -> Behind | None:
    """What is known of the namespace that has the address of `end`; None where none was seen to have it."""
    address, port = split_port(end or "")
    for space in known(case.facts.behind) or () if end else ():
        held = [one.address for each in known(space.interfaces) or () for one in each.addresses]
        if address in held or (space.is_here and is_loopback(address)):
            having = [one for one in space.sockets if one.protocol == protocol and str(one.port) == port]
            return Behind(end or "", space, tuple(having))
    return None


def translated(case: Case, seen: Observation) -> Behind | None:
    """Where a nat rule surely sent the packets of this attempt, as far as it is known what listens there."""
    for path in case.facts.filter_paths or ():
        if path.of == seen.label and path.rewritten and moves(path):
            end = endpoint(path.rewritten.destination, path.rewritten.destination_port)
            return behind(case, end, protocol_of(seen))
    return None
