"""One target as it is seen from one network namespace."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.interface import Interface
    from loopdiag.model.observation import Observation, TcpConnect
    from loopdiag.model.report import Report
    from loopdiag.model.socket import Socket

_INTERNAL = {"json": False}
HOST = "the host's namespace"  # `where` of the one that loopdiag itself is in


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """`where` is how the namespace was named; `namespace` is its number, the same for the same one.

    `listeners` have the target's port and protocol. `ways` are addresses of the other side that a
    route leads to, `tried` connections to the first of them.
    """

    where: str
    namespace: int | None
    verdict: str
    summary: str
    observations: tuple[Observation, ...]
    listeners: tuple[Socket, ...]
    interfaces: tuple[Interface, ...] = field(default=(), metadata=_INTERNAL)
    tried: tuple[TcpConnect, ...] = ()
    ways: tuple[str, ...] = field(default=(), metadata=_INTERNAL)
    report: Report | None = field(default=None, metadata=_INTERNAL)

    def has(self, address: str) -> bool:
        """An interface of it has that address."""
        return any(held.address == address for one in self.interfaces for held in one.addresses)
