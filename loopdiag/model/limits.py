"""What else can refuse, delay or use up: connection tracking, queueing disciplines, BPF on cgroups, sandboxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopdiag.model.unknown import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Conntrack:
    """Entries of this namespace and their limit; `limit` is 0 where there is none."""

    count: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Qdisc:
    """A queueing discipline. `drops` and `backlog` are packets; `text` holds its parameters where they are known."""

    device: str
    kind: str
    handle: str
    parent: str
    drops: int = 0
    backlog: int = 0
    overlimits: int = 0
    sent: int = 0
    text: str = ""
    filters: tuple[str, ...] = ()  # tc filters on it, as text


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupProgram:
    """A BPF program on the cgroup of this process or on one above it."""

    cgroup: str
    attach_type: str  # inet_ingress, inet_egress, inet4_connect, inet4_bind, udp4_sendmsg, sock_create, ...
    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What confines this process. `seccomp` is disabled, strict or filter; `lsm` its LSM label, if any."""

    seccomp: str | Unknown
    no_new_privileges: bool | Unknown
    capabilities: tuple[str, ...] | Unknown  # effective
    landlock: str | Unknown | None = None  # what trying showed: `denies bind`, ... None: not tried
    lsm: str | None = None
    user_namespace_owns_network: bool | None = None
