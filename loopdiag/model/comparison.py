"""ICMP, TCP and UDP beside one another: what each took, what it put on the wire, how long it lasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.observation import Observation
    from loopdiag.model.unknown import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderField:
    """One field: `at` is its first byte within the header, `bytes` its bytes in hex (with what shares them)."""

    at: int
    bytes: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One header (`Ethernet`, `IP`, `TCP`, ...), byte by byte."""

    layer: str
    bytes: str
    fields: tuple[HeaderField, ...]

    @property
    def length(self) -> int:
        """In bytes."""
        return len(self.bytes) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WirePacket:
    """A packet as it was captured: `at` is seconds since the first of its exchange, `length` is in bytes."""

    at: float
    device: str
    length: int
    headers: tuple[Header, ...]
    payload: int  # bytes behind the last header


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One way to ask. `socket` is family, type and protocol of the socket() call; `privilege` is what that took.

    `seconds` is the round trip that the process saw; `kernel_seconds` lies between request and answer as captured.
    """

    name: str
    socket: tuple[str, str, str]
    privilege: str
    seen: Observation
    seconds: float | None
    kernel_seconds: float | Unknown | None
    packets: tuple[WirePacket, ...] | Unknown
