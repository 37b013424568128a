"""All other network namespaces of this machine, each with its listeners, interfaces and local addresses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from loopdiag.host.linux.interfaces import read_interfaces
from loopdiag.host.linux.namespaces import other_namespaces, sockets_in
from loopdiag.host.linux.routes import read_local_table
from loopdiag.model.space import Space
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.host.linux.namespaces import Namespace

_NOT_ENTERED = "they may not be entered, so reach is not known there: root (CAP_SYS_ADMIN) could"


def read_spaces(
    *, port: int | None = None, protocols: Sequence[str] = ("tcp", "udp"), root: Path = Path("/")
) -> tuple[tuple[Space, ...], Unknown | None]:
    """Every other namespace that has a listener or UDP socket (on `port`), and what could not be looked into.

    They are entered in a thread of its own, which then ends. Owners are not told.
    """
    found: list[Space] = []
    closed: list[str] = []

    def look() -> None:
        for one in other_namespaces(root):
            try:
                space = _look_into(one, port, protocols, root)
            except OSError:
                closed.append(one.name)
                continue
            if space:
                found.append(space)

    thread = Thread(target=look, name="namespaces")
    thread.start()
    thread.join()
    return tuple(found), _unseen(closed)


def _look_into(one: Namespace, port: int | None, protocols: Sequence[str], root: Path) -> Space | None:
    """Moves the calling thread. Raises OSError where nothing of the namespace can be read."""
    sockets, entered = sockets_in(one, port, protocols, root)
    if not sockets:
        return None
    gap = Unknown("interfaces of other network namespaces", _NOT_ENTERED)
    return Space(
        name=one.name,
        path=one.path,
        pid=one.pid,
        sockets=tuple(replace(each, namespace=one.name) for each in sockets),
        interfaces=read_interfaces() if entered else gap,
        local_table=read_local_table() if entered else gap,
    )


def _unseen(closed: Sequence[str]) -> Unknown | None:
    if not closed:
        return None
    because = f"{len(closed)} of them may not be entered ({closed[0]}): root (CAP_SYS_ADMIN) could"
    return Unknown("sockets of other network namespaces", because)
