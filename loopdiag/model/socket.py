"""Sockets of this host or of another network namespace of this machine."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, ClassVar

from loopdiag.model.address import endpoint
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.process import Process
    from loopdiag.model.unknown import Unknown


@dataclass(slots=True, unsafe_hash=True)
class Socket:
    """A TCP or UDP socket as sock_diag(7) tells it.

    `state` is the kernel's name (LISTEN, ESTABLISHED, TIME-WAIT, ..., UNCONN for UDP, and BOUND for a TCP socket
    that is bound and neither listens nor is connected). For a listener `queue` is the number of connections that
    wait for accept() and `queue_limit` the limit (None: not told); both are bytes for other states.

    A value like all others of the model, which nobody changes once it is complete. It is neither frozen nor made by
    keywords alone, because a host with 15,000 listeners feels both: the list of all listeners has `owners`, `reuseport`
    and the reach filled in, not a copy made for each (explain/listeners/census.py).
    """

    protocol: str  # tcp, udp
    state: str
    address: str  # as bound: 0.0.0.0, ::, 127.0.0.1, ...
    port: int
    families: tuple[str, ...]  # the IP versions it serves: ipv4, ipv6; a dual-stack :: has both
    peer_address: str | None = None
    peer_port: int | None = None
    device: str | None = None  # SO_BINDTODEVICE
    queue: int = 0
    queue_limit: int | None = 0
    uid: int | None = None
    inode: int = 0
    cookie: int = 0
    reuseport: bool | None = None  # None: sock_diag did not tell
    owners: tuple[Process, ...] | Unknown = ()
    namespace: str | None = None  # of another network namespace: its name, or net:[inode]
    way_in: str | int | None = field(default=None, metadata={"json": False})  # there: as --netns takes it, or --pid
    reach: str | None = None  # from where a listener can be reached: host, network, none
    reach_through: tuple[str, ...] = ()  # the interfaces that others come by
    reach_says: str | None = None  # the same in words
    incomplete: bool = False  # by /proc/net, which tells no device and no IPV6_V6ONLY: it may serve less than is said

    ALSO_SHOWN: ClassVar = ("process",)

    @property
    def process(self) -> Process | None:
        """The first owner, where owners can be seen."""
        return self.owners[0] if isinstance(self.owners, tuple) and self.owners else None

    @property
    def local(self) -> str:
        """The local endpoint, `127.0.0.1:80`."""
        return endpoint(self.address, self.port)

    @property
    def full(self) -> bool:
        """A TCP listener whose accept queue takes no more, so that SYNs are dropped: sk_acceptq_is_full() of Linux."""
        return self.state == "LISTEN" and self.queue_limit is not None and self.queue > self.queue_limit

    @property
    def unaccepted(self) -> bool:
        """A complete connection that no process holds yet: it waits in a listener's accept queue."""
        return self.protocol == "tcp" and not self.inode and self.state in ("ESTABLISHED", "CLOSE-WAIT")

    @property
    def peer(self) -> str | None:
        """The remote endpoint, where there is one."""
        return endpoint(self.peer_address, self.peer_port) if self.peer_address else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixSocket:
    """A UNIX socket with a path (or @abstract name)."""

    path: str
    type: str  # stream, dgram, seqpacket
    state: str  # LISTEN, ESTABLISHED, UNCONN
    inode: int
    queue: int = 0
    queue_limit: int = 0
    owners: tuple[Process, ...] | Unknown = ()
