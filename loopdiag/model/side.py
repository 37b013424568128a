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


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """`where` is how the namespace was named; `namespace` is its number, the same for the same one.

    `listeners` have the target's port and protocol. `tried` are connections to addresses of the other side.
    """

    where: str
    namespace: int | None
    verdict: str
    summary: str
    observations: tuple[Observation, ...]
    listeners: tuple[Socket, ...]
    interfaces: tuple[Interface, ...] = field(default=(), metadata=_INTERNAL)
    tried: tuple[TcpConnect, ...] = ()
    report: Report | None = field(default=None, metadata=_INTERNAL)
