"""All other network namespaces of this machine, each with its listeners, interfaces and local addresses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from loopdiag.host.linux.interfaces import read_interfaces
from loopdiag.host.linux.namespaces import has_ended, other_namespaces, sockets_in
from loopdiag.host.linux.routes import read_local_table
from loopdiag.model.space import Space
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopdiag.host.linux.namespaces import Namespace
    from loopdiag.model.socket import Socket

_NOT_ENTERED = "they may not be entered, so reach is not known there: root (CAP_SYS_ADMIN) could"


def read_spaces(
    *, port: int | None = None, protocols: Sequence[str] = ("tcp", "udp"), root: Path = Path("/")
) -> tuple[tuple[Space, ...], Unknown | None]:
    """Every other namespace that has a listener or UDP socket (on `port`), and what could not be looked into.

    Owners are not told.
    """
    found, closed = _look_around(port, protocols, root, lambda sockets, entered: bool(sockets))
    return found, _unseen(closed)


def read_space_of(address: str, *, port: int, root: Path = Path("/")) -> Space | None:
    """The one other namespace that has `address` on an interface, with its sockets on `port`, without owners.

    None where no other namespace that may be entered has it, or several do, as private addresses may be.
    """
    found, _ = _look_around(port, ("tcp", "udp"), root, lambda _, entered: entered and _has(address))
    return found[0] if len(found) == 1 else None


def _has(address: str) -> bool:
    interfaces = read_interfaces()
    return isinstance(interfaces, tuple) and any(
        held.address == address for each in interfaces for held in each.addresses
    )


def _look_around(
    port: int | None, protocols: Sequence[str], root: Path, matters: Callable[[Sequence[Socket], bool], bool]
) -> tuple[tuple[Space, ...], list[str]]:
    """The other namespaces that matter, by their sockets and whether they are entered, and those that are closed.

    They are entered in a thread of its own, which then ends.
    """
    found: list[Space] = []
    closed: list[str] = []

    def look() -> None:
        for one in other_namespaces(root):
            try:
                sockets, entered = sockets_in(one, port, protocols, root)
            except OSError:
                if not has_ended(one, root):
                    closed.append(one.name)
                continue
            if matters(sockets, entered):
                found.append(_space(one, sockets, entered))

    thread = Thread(target=look, name="namespaces")
    thread.start()
    thread.join()
    return tuple(found), closed


def _space(one: Namespace, sockets: Sequence[Socket], entered: bool) -> Space:
    """Of the namespace that the calling thread is in, where it was entered."""
    gap = Unknown("interfaces of other network namespaces", _NOT_ENTERED)
    return Space(
        name=one.name,
        path=one.path,
        pid=one.pid,
        way_in=one.way_in,
        sockets=tuple(replace(each, namespace=one.name, way_in=one.way_in) for each in sockets),
        interfaces=read_interfaces() if entered else gap,
        local_table=read_local_table() if entered else gap,
    )


def _unseen(closed: Sequence[str]) -> Unknown | None:
    if not closed:
        return None
    because = f"{len(closed)} of them may not be entered ({closed[0]}): root (CAP_SYS_ADMIN) could"
    return Unknown("sockets of other network namespaces", because)
