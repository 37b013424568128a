"""What `ping` sees: the plan, each thing that happens, one observation per request, and the statistics."""

from __future__ import annotations

from typing import ClassVar

from loopdiag.model.observation import Observation
from loopdiag.model.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IcmpEcho(Observation):
    """One echo request and what came of it.

    `seconds` is the round trip that the process saw, `kernel_seconds` the one between the kernel's own time stamps.
    `refused_sockets` are the socket types that may not be opened, each with its errno, and `groups` the groups of
    this process that were weighed. `damage` says what was wrong with a reply that came back altered. A reply is
    `late` when it came after the time-out, and `reordered` when a later request was answered before it.
    """

    kind: ClassVar[str] = "icmp-echo"
    sequence: int = 0
    identifier: int | None = None  # of the request, as on the wire
    socket_type: str | None = None  # raw, datagram
    device: str | None = None  # that the socket is bound to: ping -I
    failed_call: str | None = None  # socket, bind, sendto
    refused_sockets: tuple[tuple[str, str], ...] = ()
    groups: tuple[int, ...] = ()
    replied_from: str | None = None
    bytes: int | None = None  # of the ICMP message that came back
    ttl: int | None = None  # of the reply; the hop limit in IPv6
    kernel_seconds: float | None = None
    duplicates: int = 0
    damage: str | None = None
    late: bool = False
    reordered: bool = False
    error: str | None = None  # an ICMP error in words
    error_from: str | None = None  # who sent it; None where this host itself refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Round trips in seconds. `mdev` is the standard deviation, `ewma` the average that leans to the latest."""

    min: float
    avg: float
    max: float
    mdev: float
    p50: float
    p90: float
    p99: float
    ewma: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counts in ping's sense: a duplicate, or a reply with a wrong checksum, is not counted as received.

    `corrupted` counts wrong checksums and altered data; `errors` counts ICMP errors and messages too long to send;
    `send_failures` the requests that the kernel refused to send. `seconds` runs from the first request to the last.
    """

    transmitted: int
    received: int
    duplicates: int
    corrupted: int
    errors: int
    late: int
    reordered: int
    send_failures: int
    loss: float | None  # 0 to 1; None where nothing was sent
    seconds: float
    rtt: Times | None
    kernel_rtt: Times | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoPlan:
    """What is about to be sent, and through what. `size` is the data in bytes, without the 8 of the ICMP header."""

    host: str  # as typed
    address: str
    size: int
    socket_type: str | None
    identifier: int | None
    source: str | None = None
    device: str | None = None  # where -I named one
    source_chosen: bool = False
    pattern: str | None = None
    filtered: bool = False  # a socket filter in the kernel keeps other echoes out
    stamped: bool = False  # the kernel stamps sending and receiving


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoReply:
    """A reply as it came in. `at` is the wall clock; `different_address` tells a unicast reply from elsewhere."""

    at: float
    sequence: int
    sender: str
    bytes: int
    ttl: int | None
    seconds: float
    kernel_seconds: float | None
    duplicate: bool = False
    late: bool = False
    reordered: bool = False
    damage: str | None = None
    bad_checksum: bool = False
    different_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoProblem:
    """A request that came to grief: an ICMP error from `sender`, or (None) a refusal of this host's own kernel."""

    at: float
    sequence: int
    sender: str | None
    says: str
    errno: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoSilence:
    """No answer within the time-out of `after` seconds."""

    at: float
    sequence: int
    after: float


@dataclass(frozen=True, slots=True)
class EchoSent:
    """A request of a flood has gone out."""

    sequence: int


EchoEvent = EchoPlan | EchoSent | EchoReply | EchoProblem | EchoSilence | Statistics
