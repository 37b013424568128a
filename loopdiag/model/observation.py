"""Observations: one real attempt each, with what the socket saw."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import ClassVar

from loopdiag.model.address import endpoint
from loopdiag.model.value import dataclass


class Outcome(StrEnum):
    """How an attempt ended, in the words of the report's contract."""

    REPLIED = "replied"
    CONNECTED = "connected"
    ACCEPTED = "accepted"
    BOUND = "bound"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    UNREACHABLE = "unreachable"
    DENIED = "denied"
    RESET = "reset"
    CLOSED = "closed"
    FAILED = "failed"

    @property
    def good(self) -> bool:
        """The attempt got what it asked for."""
        return self in (Outcome.REPLIED, Outcome.CONNECTED, Outcome.ACCEPTED, Outcome.BOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What all attempts have in common; subclasses add what is particular to their kind."""

    kind: ClassVar[str]

    address: str  # of the destination (of the bind, the local address); a path for UNIX sockets
    port: int | None = None
    outcome: Outcome
    errno: str | None = None  # the symbolic name, such as ECONNREFUSED
    seconds: float | None = None  # from the call to its outcome
    local: str | None = field(default=None, metadata={"json": "from"})  # the local endpoint really used

    @property
    def to(self) -> str:
        """The destination as an endpoint, for evidence and display."""
        return endpoint(self.address, self.port)

    @property
    def label(self) -> str:
        """How evidence names this attempt: `tcp-connect [::1]:3000`."""
        return f"{self.kind} {self.to}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpConnect(Observation):
    """One connect() of a stream socket. `peer` is what getpeername() said.

    `far_end` is the state that the other end's socket was in while the connection stood, by the kernel's name; None
    where it was not looked for, or is not of this host.
    """

    kind: ClassVar[str] = "tcp-connect"
    peer: str | None = None
    gave_up: str | None = None  # why it was not waited for longer, where it was not waited to the time-out
    error_from: str | None = None  # who sent the ICMP error, where one came
    far_end: str | None = None

    @property
    def half_open(self) -> bool:
        """It stands at this end, while the listener's kernel still waits for the last packet of the handshake."""
        return self.outcome is Outcome.CONNECTED and self.far_end == "SYN-RECV"


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpExchange(Observation):
    """One datagram sent, and what came back. `failed_call` is the call that gave `errno` (connect, send, recv)."""

    kind: ClassVar[str] = "udp"
    failed_call: str | None = None
    replied_from: str | None = None  # the endpoint that answered, which may differ from the one asked
    reply_bytes: int | None = None
    error_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixConnect(Observation):
    """One connect() of a UNIX socket; `socket_type` is stream, datagram or seqpacket.

    Of a path that could not be connected to: what lies there (`file_type`: socket, regular file, ...; None: it may not
    even be looked at), its permission bits and its owner.
    """

    kind: ClassVar[str] = "unix-connect"
    socket_type: str = "stream"
    file_type: str | None = None
    file_mode: int | None = None
    file_owner: int | None = None
