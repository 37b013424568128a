"""What many assertions ask of this host, read once for all of them."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.explain.reach import reach
from loopdiag.host.read import read
from loopdiag.model.unknown import Unknown
from loopdiag.probes.resolve import resolve_addresses

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from loopdiag.model.interface import Interface
    from loopdiag.model.socket import Socket
    from loopdiag.probes.resolve import Resolution


class State:
    """Read on first use, from any thread. A retry takes a new one."""

    def __init__(self, family: int | None = None) -> None:
        self._family = family
        self._lock = threading.RLock()
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
        found: dict[int, tuple[Socket, ...]] = self._once("by port", self._by_port)
        return found.get(port, ())

    def names_of(self, socket: Socket) -> tuple[str, ...] | Unknown:
        """The processes that hold it."""
        owners = self._once("owners", self._owners)
        if isinstance(owners, Unknown):
            return owners
        held = owners.get(socket.inode, ())
        if isinstance(held, Unknown):
            return held
        if not held:
            return Unknown(f"who holds {socket.local}", "another user's processes can be seen by root only")
        return tuple(one.name for one in held)

    def addresses(self, host: str, timeout: float | None = None) -> Resolution:
        """What getaddrinfo gives."""
        found: Resolution = self._once(
            ("name", host, timeout), lambda: resolve_addresses(host, self._family, timeout=timeout)
        )
        return found

    def _once(self, key: object, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._have:
                self._have[key] = make()
            return self._have[key]

    def _listeners(self) -> tuple[Socket, ...] | Unknown:
        found, interfaces = read("sockets", listening=True), self.interfaces()
        if isinstance(found, Unknown):
            return found
        if isinstance(interfaces, Unknown):
            return tuple(found)
        return tuple(replace(one, reach=reach(one, interfaces)) for one in found)

    def _by_port(self) -> dict[int, tuple[Socket, ...]]:
        found = self.listeners()
        groups: dict[int, list[Socket]] = {}
        for one in () if isinstance(found, Unknown) else found:
            groups.setdefault(one.port, []).append(one)
        return {port: tuple(several) for port, several in groups.items()}

    def _owners(self) -> Any:
        found = self.listeners()
        return read("owners", {one.inode for one in found if one.inode}) if not isinstance(found, Unknown) else found
