"""What container runtimes call the containers that own sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.listeners.census import with_names
from loopdiag.host.read import read
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.socket import Socket

_CONTAINER = "container "  # before the first digits of its id, as a process's unit


def with_container_names(sockets: Sequence[Socket], gaps: list[Unknown] | None = None) -> tuple[Socket, ...]:
    """`container web` where a runtime tells the name of what the cgroup calls by its number.

    No runtime is asked where no owner is in a container. One that does not answer is added to `gaps`.
    """
    owners = {id(one.owners): one.owners for one in sockets}.values()
    units = {process.unit for held_by in owners if isinstance(held_by, tuple) for process in held_by if process.unit}
    wanted = {unit.removeprefix(_CONTAINER) for unit in units if unit.startswith(_CONTAINER)}
    if not wanted:
        return tuple(sockets)
    names = read("container_names", wanted)
    if isinstance(names, Unknown):
        if gaps is not None:
            gaps.append(names)
        return tuple(sockets)
    return with_names(sockets, names)
