"""Which sockets stand in the way of a bind, and how they hold the port: inet_csk_bind_conflict() of the kernel."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.listeners.wording import named
from loopdiag.model.finding import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loopdiag.model.bind import Bind
    from loopdiag.model.socket import Socket

WILDCARDS = ("0.0.0.0", "::")
_ENDING = ("TIME-WAIT", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "LAST-ACK")


class Hold(IntEnum):
    """How a socket holds its port, the strongest first."""

    OWNS = 0  # it listens, or is bound without a peer
    SELF = 1  # a connection to itself
    CONNECTED = 2  # a connection with a process at its end
    ENDING = 3  # a connection without a process, which the kernel is bringing to its end


def holders(bind: Bind, sockets: Iterable[Socket]) -> tuple[Socket, ...]:
    """The sockets whose address, port and IP version overlap with what was asked for, the strongest first."""
    families = bind.families or _meant(bind)
    found = [one for one in sockets if _overlaps(one, bind, families)]
    return tuple(sorted(found, key=hold))


def hold(one: Socket) -> Hold:
    """How `one` holds its port."""
    if one.peer is None:
        return Hold.OWNS
    if one.peer == one.local:
        return Hold.SELF
    return Hold.ENDING if one.state in _ENDING and not one.inode else Hold.CONNECTED


def names(one: Socket) -> str:
    """Its owner for a sentence: `node (pid 42)`, or what is known of it."""
    owners = known(one.owners)
    if owners:
        return named(owners)
    return f"a process of user {one.uid}" if one.uid is not None else "another process"


def evidence(there: Sequence[Socket], most: int = 4) -> tuple[Evidence, ...]:
    """Sockets as evidence, the first `most` of them."""
    shown = [Evidence(f"{one.protocol} socket {one.local}", _says(one)) for one in there[:most]]
    if len(there) > most:
        shown.append(Evidence("socket table", f"{len(there) - most} more sockets use the port like this"))
    return tuple(shown)


def _says(one: Socket) -> str:
    peer = f" with {one.peer}" if one.peer else ""
    owner = f", {names(one)}" if one.inode else ", no process any more"
    return f"{one.state}{peer}{owner}"


def _overlaps(one: Socket, bind: Bind, families: Sequence[str]) -> bool:
    if one.protocol != bind.protocol or one.port != bind.port or one.state == "SYN-RECV":
        return False  # a connection that is being set up holds nothing: its listener does
    if not set(one.families).intersection(families):
        return False
    address = bind.address.partition("%")[0]
    return address in WILDCARDS or one.address in WILDCARDS or one.address == address


def _meant(bind: Bind) -> tuple[str, ...]:
    if bind.address == "::":
        return ("ipv4", "ipv6")
    return ("ipv6",) if ":" in bind.address else ("ipv4",)
