"""From where a listener can be reached, by its address and device and the host's interfaces.

A packet filter may narrow it: that is not looked at here.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.interface import Interface, InterfaceAddress
    from loopdiag.model.route import Route
    from loopdiag.model.socket import Socket

WILDCARDS = ("0.0.0.0", "::")
HOST, NETWORK, NONE = "host", "network", "none"
_MOST = 4  # interfaces named in a sentence


@dataclass(frozen=True, slots=True)
class Reach:
    """`kind` is host (this host only), network (others too) or none; `through` the interfaces that others come by."""

    kind: str
    says: str
    through: tuple[str, ...] = ()


class Surroundings:
    """A host by its interfaces and, for addresses that are on none of them, its table `local`.

    `here` is what the host is called in sentences: `this host`, or `its namespace` for another one.
    """

    def __init__(
        self, interfaces: Sequence[Interface], local_table: Sequence[Route] = (), here: str = "this host"
    ) -> None:
        self.here = here
        self._interfaces = interfaces
        self._local = [ip_network(one.destination, strict=False) for one in local_table if one.type == "local"]
        self._remembered: dict[tuple[str, tuple[str, ...], str | None], Reach] = {}

    def reach(self, socket: Socket) -> Reach:
        """From where packets can come to this socket."""
        key = (socket.address, socket.families, socket.device)
        known = self._remembered.get(key)
        if known is None:
            known = self._remembered[key] = self._reach(socket)
        return known

    def _reach(self, socket: Socket) -> Reach:
        among = list(self._interfaces)
        if socket.device:
            among = [one for one in among if socket.device in (one.name, one.master)]
            if not among:
                return Reach(NONE, f"nobody: its device {socket.device} is gone")
        if socket.address in WILDCARDS:
            return self._anywhere(socket, among)
        address = ip_address(socket.address)
        if address.is_multicast or socket.address == "255.255.255.255":
            return self._sent_to(socket.address, [one for one in among if one.up and not one.loopback])
        if address.is_loopback:
            return self._loopback(socket)
        return self._at(socket.address, among)

    def _anywhere(self, socket: Socket, among: Sequence[Interface]) -> Reach:
        if socket.device and all(one.loopback for one in among):
            return Reach(HOST, f"{self.here} only, through {socket.device}")
        others = [one for one in among if _is_open(one, socket.families)]
        if socket.device and not others:
            return Reach(HOST, f"{self.here} only: {socket.device} is down or has no address")
        return self._network(others) if others else self._only()

    def _loopback(self, socket: Socket) -> Reach:
        lo = next((one for one in self._interfaces if one.loopback), None)
        if lo is None or not lo.up:
            return Reach(NONE, f"nobody: {lo.name if lo else 'lo'} is down")
        if socket.device and socket.device != lo.name:
            return Reach(NONE, f"nobody: what comes to {socket.address} does not come through {socket.device}")
        if not (any(_covers(held, socket.address) for held in lo.addresses) or self._is_routed(socket.address)):
            return Reach(NONE, "nobody: the address is gone")
        if socket.address in ("127.0.0.1", "::1"):
            return self._only()
        return Reach(HOST, f"only {socket.address}, from {self.here}")

    def _at(self, address: str, among: Sequence[Interface]) -> Reach:
        """An address of this host's own."""
        holders = [one for one in among if any(held.address == address for held in one.addresses)]
        if not holders:
            group = [one for one in among if any(_is_broadcast(address, held) for held in one.addresses)]
            if group:
                return self._sent_to(address, [one for one in group if one.up and not one.loopback])
            if self._is_routed(address):
                return Reach(HOST, f"{self.here} only, by {address} (and whoever is routed here)")
            return Reach(NONE, "nobody: the address is gone")
        if all(one.loopback for one in holders):
            return Reach(HOST, f"{self.here} only, by {address} (and whoever is routed here)")
        others = [one for one in holders if one.up and not one.loopback]
        if not others:
            return Reach(HOST, f"{self.here} only, by {address}: {holders[0].name} is down")
        return self._network(others)

    def _sent_to(self, group: str, others: Sequence[Interface]) -> Reach:
        names = tuple(one.name for one in others)
        if not names:
            return Reach(HOST, f"{self.here} only, by packets to {group}")
        return Reach(NETWORK, f"whoever sends to {group} through {_listed(others)}", names)

    def _network(self, others: Sequence[Interface]) -> Reach:
        names = tuple(one.name for one in others)
        return Reach(NETWORK, f"{self.here} and the network through {_listed(others)}", names)

    def _only(self) -> Reach:
        return Reach(HOST, f"{self.here} only")

    def _is_routed(self, address: str) -> bool:
        found = ip_address(address)
        return any(found in network for network in self._local)


def reach(socket: Socket, interfaces: Sequence[Interface]) -> str:
    """`host` (this host only), `network` (others too), or `none` (its address is on no interface any more)."""
    return Surroundings(interfaces).reach(socket).kind


def _is_open(one: Interface, families: Sequence[str]) -> bool:
    """Others can come by it: it is up, no loopback, and has an address of an IP version that is served."""
    versions = {"ipv6" if ":" in held.address else "ipv4" for held in one.addresses}
    return one.up and not one.loopback and bool(versions & set(families))


def _covers(held: InterfaceAddress, address: str) -> bool:
    """An address of lo stands for its whole prefix: all of 127.0.0.0/8 is local by one address."""
    return ip_address(address) in _network_of(held.address, held.prefix)


def _is_broadcast(address: str, held: InterfaceAddress) -> bool:
    network = _network_of(held.address, held.prefix)
    return isinstance(network, IPv4Network) and held.prefix < 31 and str(network.broadcast_address) == address


@lru_cache(maxsize=256)
def _network_of(address: str, prefix: int) -> IPv4Network | IPv6Network:
    return ip_network(f"{address}/{prefix}", strict=False)


def _listed(interfaces: Sequence[Interface]) -> str:
    """`eth0, docker0 (no carrier) and 3 more`."""
    names = [one.name if one.running else f"{one.name} (no carrier)" for one in interfaces[:_MOST]]
    more = f" and {len(interfaces) - _MOST} more" if len(interfaces) > _MOST else ""
    return ", ".join(names) + more
