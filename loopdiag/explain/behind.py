"""What listens in the namespace, such as a container, to whose address something was passed on and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.listeners.wording import holders_of, shown, who
from loopdiag.model.finding import Fix
from loopdiag.model.target import split_port
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.case import Case
    from loopdiag.model.finding import Evidence
    from loopdiag.model.socket import Socket
    from loopdiag.model.space import Space


@dataclass(frozen=True, slots=True)
class Behind:
    """The end of a way, `172.17.0.2:80`, with the namespace that has its address and who listens there on the port."""

    end: str
    space: Space
    listeners: tuple[Socket, ...]

    @property
    def says(self) -> str:
        """Half a sentence: why it refuses."""
        address, port = split_port(self.end)
        where = f"the network namespace {self.space.name}, which has {address}"
        if self.listeners:
            return f"in {where}, {holders_of(self.listeners)} only"
        return f"nothing listens on port {port} in {where}"

    @property
    def fix(self) -> Fix:
        """The first thing to do about it."""
        address, _ = split_port(self.end)
        if self.listeners:
            every = "::" if ":" in address else "0.0.0.0"
            return Fix(f"let {who(self.listeners[0])} listen on {every} in there, or on {address} alone")
        inside = f"--pid {self.space.pid}" if self.space.pid else f"--netns {self.space.path}"
        start = f"start what should listen on {self.end}; this shows what listens in there"
        return Fix(start, f"loopdiag listeners {inside}")

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return shown(self.listeners)


def behind(case: Case, end: str | None, protocol: str = "tcp") -> Behind | None:
    """What is known of the namespace that has the address of `end`; None where none was seen to have it."""
    address, port = split_port(end or "")
    for space in known(case.facts.behind) or ():
        held = [one.address for each in known(space.interfaces) or () for one in each.addresses]
        if end and address in held:
            serving = [one for one in space.sockets if one.protocol == protocol and str(one.port) == port]
            return Behind(end, space, tuple(serving))
    return None
