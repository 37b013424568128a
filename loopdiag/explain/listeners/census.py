"""All listeners of a host: which are asked for, their reach, who shares a port, and the whole in a sentence."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from loopdiag.explain.evidence import known
from loopdiag.explain.reach import NETWORK
from loopdiag.model.finding import Severity
from loopdiag.model.report import Verdict
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from loopdiag.explain.reach import Surroundings
    from loopdiag.model.finding import Finding
    from loopdiag.model.process import Process
    from loopdiag.model.socket import Socket, UnixSocket
    from loopdiag.model.unknown import Unknown

_COMM = 15  # bytes of a process's name that the kernel keeps: proc_pid_comm(5)
_ID = 12  # digits of a container's id that are shown
_IS_ID = re.compile(r"[0-9a-f]{12,64}")
# of listeners, by what comes first; 15,000 are sorted by one after the other in half the time that all at once takes
_ORDER: tuple[Callable[[Socket], Any], ...] = (
    lambda one: one.namespace or "",
    attrgetter("port"),
    attrgetter("protocol"),
    attrgetter("address"),
    lambda one: one.device or "",
    attrgetter("inode"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which listeners: of a port, of a process by its name, unit or container, those that others reach; None: all."""

    port: int | None = None
    process: str | None = None
    exposed: bool = False
    family: int | None = None


def placed(sockets: Iterable[Socket], around: Surroundings | None) -> list[Socket]:
    """The listeners, their reach filled in; it is left open where the interfaces are not known."""
    listeners = [one for one in sockets if one.peer_port is None]
    if around:
        for one in listeners:
            reach = around.reach(one)
            one.reach, one.reach_through, one.reach_says = reach.kind, reach.through, reach.says
    return listeners


def matching(listeners: Iterable[Socket], asked: Asked) -> list[Socket]:
    """Those asked for, whoever holds them, in the order of namespace, port, protocol, address, device.

    `reuseport` is filled in where the kernel lets it only be so: TCP listeners on one address and port (socket(7)).
    """
    family = f"ipv{asked.family}" if asked.family else None
    found = [
        one
        for one in listeners
        if asked.port in (None, one.port)
        and (family is None or family in one.families)
        and (not asked.exposed or one.reach in (None, NETWORK))
    ]
    for key in reversed(_ORDER):
        found.sort(key=key)
    for one, other in pairwise(found):
        if one.address == other.address and _share_a_place(one, other):
            one.reuseport = other.reuseport = True
    return found


def _share_a_place(one: Socket, other: Socket) -> bool:
    return (one.protocol, one.address, one.port, one.device, one.namespace) == (
        "tcp", other.address, other.port, other.device, other.namespace)  # fmt: skip


def owned(listeners: Iterable[Socket], owners: Mapping[int, tuple[Process, ...] | Unknown]) -> None:
    """Fill in the owners, by inode."""
    for one in listeners:
        one.owners = owners.get(one.inode, ())


def held_by(owners: Sequence[Process] | Unknown, name: str) -> bool:
    """A process of that name, or of that unit or container, is among the owners."""
    cut = name.encode(errors="surrogateescape")[:_COMM].decode(errors="replace")
    units = {name, f"{name}.service", *([name[:_ID]] if _IS_ID.fullmatch(name) else ())}
    return any(one.name == cut or (one.unit or "").removeprefix("container ") in units for one in known(owners) or ())


def with_names(sockets: Iterable[Socket], names: Mapping[str, str]) -> tuple[Socket, ...]:
    """The owners' containers by name, where `names` has their id (its first 12 digits)."""
    return tuple(replace(one, owners=tuple(_named(each, names) for each in known(one.owners) or ()))
                 if known(one.owners) else one for one in sockets)  # fmt: skip


def _named(process: Process, names: Mapping[str, str]) -> Process:
    name = names.get((process.unit or "").removeprefix("container "))
    return replace(process, unit=f"container {name}") if name else process


def in_words(
    asked: Asked,
    found: Sequence[Socket],
    local: Sequence[UnixSocket],
    findings: Sequence[Finding],
    gaps: Sequence[Unknown],
) -> tuple[Verdict, str]:
    """The verdict, and what there is in one sentence. That nothing is there is an answer too."""
    against = [one for one in findings if one.severity is not Severity.NOTE]
    if against:
        more = f" (and {len(against) - 1} more)" if len(against) > 1 else ""
        return Verdict.DEGRADED, f"{against[0].statement}{more}"
    if found or local:
        return Verdict.WORKS, _counted(asked, found, local)
    others = " that others can reach" if asked.exposed else ""
    if asked.process and gaps:
        return Verdict.UNKNOWN, f"whether a process called {asked.process} listens cannot be told"
    if asked.process:
        return Verdict.WORKS, f"no process called {asked.process} has a listener or UDP socket{others} here"
    if findings:
        return Verdict.WORKS, findings[0].statement
    if asked.port is not None:
        return Verdict.WORKS, f"nothing{others} listens on port {asked.port} here, neither by TCP nor by UDP"
    return Verdict.WORKS, f"there is no TCP listener and no UDP socket{others} here"


def _counted(asked: Asked, found: Sequence[Socket], local: Sequence[UnixSocket]) -> str:
    tcp = sum(one.protocol == "tcp" for one in found)
    exposed = sum(one.reach == NETWORK for one in found)
    unknown = sum(one.reach is None for one in found)
    spaces = {one.namespace for one in found} - {None}
    parts = [_number(tcp, "TCP listener"), _number(len(found) - tcp, "UDP socket"), _number(len(local), "UNIX socket")]
    text = ", ".join(part for part in parts if part)
    subject = f"{asked.process} has {text}" if asked.process else text
    within = f", in {_number(len(spaces), 'other network namespace')} too" if spaces else ""
    return f"{subject}{within}; {_open(exposed, unknown, len(found))}" if found else subject


def _open(exposed: int, unknown: int, count: int) -> str:
    """Of how many it is known, and of how many it is not."""
    if unknown == count:
        return f"whether others can reach {'it' if count == 1 else 'them'} is not known"
    if unknown:
        return f"others can reach {exposed or 'none'} of {count - unknown}, and of {unknown} more it is not known"
    if not exposed:
        return "none can be reached by others"
    if exposed == count:
        return "others can reach it" if count == 1 else "others can reach all of them"
    return f"others can reach {exposed} of them"


def _number(count: int, what: str) -> str:
    return "" if not count else f"{count} {what}{'' if count == 1 else 's'}"
