"""What many assertions ask of this host, read once for all of them."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.explain.listeners.unix_socket import SERVICES, names_port
from loopdiag.explain.reach import Surroundings
from loopdiag.host.read import read
from loopdiag.model.unknown import Unknown
from loopdiag.probes.resolve import resolve_addresses

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from loopdiag.model.interface import Interface
    from loopdiag.model.names import NameFacts
    from loopdiag.model.packetfilter import Ruleset
    from loopdiag.model.process import Process
    from loopdiag.model.socket import Socket
    from loopdiag.probes.resolve import Resolution


class State:
    """Read on first use, from any thread. A retry takes a new one."""

    def __init__(self, family: int | None = None) -> None:
        self._family = family
        self._lock = threading.Lock()
        self._reading: dict[object, threading.Lock] = {}  # by what is read: a name that is waited for holds up no other
        self._have: dict[object, Any] = {}

    def interfaces(self) -> tuple[Interface, ...] | Unknown:
        """All interfaces."""
        found: tuple[Interface, ...] | Unknown = self._once("interfaces", lambda: read("interfaces"))
        return found

    def listeners(self) -> tuple[Socket, ...] | Unknown:
        """TCP listeners and unconnected UDP sockets, with their reach."""
        found: tuple[Socket, ...] | Unknown = self._once("listeners", self._listeners)
        return found

    def on(self, port: int) -> tuple[Socket, ...]:
        """Those on a port; none where they could not be read."""
        found = self._once("by port", lambda: _by_port(self.listeners()))
        return tuple(found.get(port, ()))

    def bound(self, port: int) -> tuple[Socket, ...]:
        """TCP sockets that are bound to a port without listening."""
        groups = self._once("bound", lambda: _by_port(read("sockets", protocols=("tcp",), bound=True)))
        return tuple(groups.get(port, ()))

    def elsewhere(self, port: int) -> tuple[Socket, ...]:
        """Those on a port in other network namespaces."""
        groups = self._once("elsewhere", lambda: _by_port(read("elsewhere")))
        return tuple(groups.get(port, ()))

    def has_unix_socket_for(self, port: int) -> bool:
        """Whether a UNIX socket may be the service that is looked for there."""
        found = self._once("unix sockets", lambda: read("unix_sockets"))
        if isinstance(found, Unknown) or not found:
            return False
        return port in SERVICES or any(names_port(one.path, port) for one in found)

    def ruleset(self) -> Ruleset | Unknown:
        """The packet filter."""
        found: Ruleset | Unknown = self._once("ruleset", lambda: read("ruleset"))
        return found

    def way(self, address: str) -> tuple[str | None, ...]:
        """How the kernel leads to an address: kind of route, table, device; not by which prefix."""
        answer = self._once(("route", address), lambda: read("route", address))
        if isinstance(answer, Unknown):
            return (address,)
        family = "6" if ":" in address else "4"
        return (family, answer.type, str(answer.table), answer.device, answer.through, answer.errno)

    def names_of(self, socket: Socket) -> tuple[str, ...] | Unknown:
        """The names of the processes that hold it."""
        held = self.owners_of(socket)
        return held if isinstance(held, Unknown) else tuple(one.name for one in held)

    def owners_of(self, socket: Socket) -> tuple[Process, ...] | Unknown:
        """The processes that hold it."""
        owners = self._once("owners", self._owners)
        if isinstance(owners, Unknown):
            return owners
        held: tuple[Process, ...] | Unknown = owners.get(socket.inode, ())
        if isinstance(held, Unknown):
            return held
        if not held:
            return Unknown(f"who holds {socket.local}", "another user's processes can be seen by root only")
        return held

    def addresses(self, host: str, timeout: float | None = None) -> Resolution:
        """What getaddrinfo gives."""
        found: Resolution = self._once(
            ("name", host, timeout), lambda: resolve_addresses(host, self._family, timeout=timeout)
        )
        return found

    def names(self, host: str) -> NameFacts | Unknown:
        """The resolver's files, as far as they bear on a name."""
        found: NameFacts | Unknown = self._once(("files", host), lambda: read("names", host))
        return found

    def _once(self, key: object, make: Callable[[], Any]) -> Any:
        with self._lock:
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:
            if key not in self._have:
                self._have[key] = make()
            return self._have[key]

    def _listeners(self) -> tuple[Socket, ...] | Unknown:
        found, interfaces = read("sockets", listening=True), self.interfaces()
        if isinstance(found, Unknown):
            return found
        if isinstance(interfaces, Unknown):
            return tuple(found)
        local = read("local_table")
        around = Surroundings(interfaces, local if isinstance(local, tuple) else None)
        return tuple(replace(one, reach=around.reach(one).kind) for one in found)

    def _owners(self) -> Any:
        found = self.listeners()
        return read("owners", {one.inode for one in found if one.inode}) if not isinstance(found, Unknown) else found


def _by_port(found: tuple[Socket, ...] | Unknown) -> dict[int, list[Socket]]:
    groups: dict[int, list[Socket]] = {}
    for one in () if isinstance(found, Unknown) else found:
        groups.setdefault(one.port, []).append(one)
    return groups
