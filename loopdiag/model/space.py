"""Another network namespace of this machine, looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.interface import Interface
    from loopdiag.model.route import Route
    from loopdiag.model.socket import Socket
    from loopdiag.model.unknown import Unknown

_HERE = "/proc/self/ns/net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """`name` is that of `ip netns`, or net:[inode]; `path` leads into it, as does `pid` where a process is in it.

    `way_in` is what leads loopdiag there: as --netns takes it, or --pid.
    """

    name: str
    path: str
    pid: int | None
    way_in: str | int
    sockets: tuple[Socket, ...]
    interfaces: tuple[Interface, ...] | Unknown
    local_table: tuple[Route, ...] | Unknown = ()

    @property
    def is_here(self) -> bool:
        """It is this host's own namespace, which has no name."""
        return not self.name

    @classmethod
    def of_this_host(cls, sockets: tuple[Socket, ...], interfaces: tuple[Interface, ...] | Unknown | None) -> Space:
        """This host's own namespace as one beside others."""
        return cls(name="", path=_HERE, pid=None, way_in=_HERE, sockets=sockets, interfaces=interfaces or ())


@dataclass(frozen=True, slots=True)
class Container:
    """A container by the first process in it. `found_by` says what told of it: a runtime, or a cgroup's path."""

    id: str
    name: str | None
    pid: int
    found_by: str
