"""What else can refuse, delay or use up: connection tracking, queueing disciplines, BPF on cgroups, sandboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.unknown import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Conntrack:
    """Entries of this namespace and their limit; `limit` is 0 where there is none."""

    count: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficFilter:
    """A tc filter. `actions` are what it does: drop, pass, mirred redirect, ...; counts are of its actions."""

    parent: str
    kind: str  # u32, flower, matchall, bpf, ...
    priority: int
    actions: tuple[str, ...] = ()
    packets: int = 0
    dropped: int = 0
    name: str | None = None  # of a BPF program


@dataclass(frozen=True, slots=True, kw_only=True)
class Qdisc:
    """A queueing discipline. `drops` and `backlog` are packets."""

    device: str
    kind: str
    handle: str
    parent: str
    drops: int = 0
    backlog: int = 0
    overlimits: int = 0
    sent: int = 0
    filters: tuple[TrafficFilter, ...] = ()
    rate: int | None = None  # bytes a second, where it limits them
    burst: int | None = None  # bytes; a token bucket drops every packet that is longer
    limit: int | None = None  # of a fifo: packets (pfifo) or bytes (bfifo)
    delay: float | None = None  # seconds that it holds each packet back
    loss: float | None = None  # the share of packets that it drops on purpose, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupProgram:
    """A BPF program on the cgroup of this process or on one above it."""

    cgroup: str
    attach_type: str  # inet_ingress, inet_egress, inet4_connect, inet4_bind, udp4_sendmsg, sock_create, ...
    id: int
    name: str
    process: str | None = None  # whose cgroup it is; None: of the process that asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What confines this process. `seccomp` is disabled, strict or filter; `lsm` its LSM label, if any."""

    seccomp: str | Unknown
    no_new_privileges: bool | Unknown
    capabilities: tuple[str, ...] | Unknown  # effective
    landlock: str | Unknown | None = None  # what trying showed: `denies bind`, ... None: not tried
    lsm: str | None = None
    user_namespace_owns_network: bool | None = None
    refused: tuple[tuple[str, str], ...] = ()  # system calls tried that send nothing, and the errno that each gave
