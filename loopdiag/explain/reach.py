"""From where a listener can be reached, by its address and device, the host's interfaces and its table `local`.

A packet filter may narrow it: that is not looked at here.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from loopdiag.explain.local import OVER_PORTS, LocalAddresses, is_tentative
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from loopdiag.model.interface import Interface
    from loopdiag.model.route import Route
    from loopdiag.model.socket import Socket

WILDCARDS = ("0.0.0.0", "::")
HOST, NETWORK, NONE = "host", "network", "none"
GONE = "the address is gone"
_MOST = 4  # interfaces named in a sentence
_FAMILIES = {"ipv4": "IPv4", "ipv6": "IPv6"}


@dataclass(frozen=True, slots=True)
class Reach:
    """`kind` is host (this host only), network (others too) or none; `through` the interfaces that others come by.

    `itself` is false where others reach it, and this host does not.
    """

    kind: str
    says: str
    through: tuple[str, ...] = ()
    itself: bool = True


class Surroundings:
    """A host by its interfaces and its table `local` (None: not read).

    `here` is what the host is called in sentences: `this host`, or `its namespace` for another one.
    """

    def __init__(
        self, interfaces: Sequence[Interface], local_table: Sequence[Route] | None = None, here: str = "this host"
    ) -> None:
        self.here = here
        self._interfaces = interfaces
        self._by_name = {one.name: one for one in interfaces}
        self._lo = next((one for one in interfaces if one.loopback), None)
        self._local = LocalAddresses(interfaces, local_table)
        self._remembered: dict[tuple[str, str, tuple[str, ...], str | None], Reach] = {}

    def reach(self, socket: Socket) -> Reach:
        """From where packets can come to this socket."""
        key = (socket.protocol, socket.address, socket.families, socket.device)
        known = self._remembered.get(key)
        if known is None:
            known = self._remembered[key] = self._reach(socket)
        return known

    def _reach(self, socket: Socket) -> Reach:
        if socket.device and socket.device not in self._by_name:
            return _nobody(f"its device {socket.device.removesuffix(', which is gone')} is gone")
        if socket.address in WILDCARDS:
            return self._anywhere(socket)
        if ip_address(socket.address).is_multicast or socket.address == "255.255.255.255":
            return self._sent_to(socket, self._interfaces)
        if not self._local.holders(socket.address):
            group = self._local.broadcasters(socket.address)
            if group:
                return self._sent_to(socket, group)
        return self._at(socket)

    def _anywhere(self, socket: Socket) -> Reach:
        links = (one for one in self._interfaces if _is_open(one, socket.families))
        others = self._entries(links, socket.device)
        families = set(socket.families)
        why = self._held_up(socket)
        if not why and not self._local.families(socket.device) & families:
            named = " or ".join(_FAMILIES.get(one, one) for one in socket.families)
            why = f"{socket.device or 'no interface'} has {'no' if socket.device else 'an'} {named} address"
        if socket.device and not others and why:
            return self._without_address(socket, why)
        if others or why:
            return self._told(socket, others, why)
        if not socket.device:
            routed = self._has_outer(families) and any(map(self._takes_in, self._interfaces))
            return Reach(HOST, f"{self.here} only{' (and whoever is routed here)' if routed else ''}")
        port = self._port_of(self._by_name[socket.device])
        return Reach(HOST, f"{self.here} only, through {socket.device}{port and f': {port}'}")

    def _without_address(self, socket: Socket, why: str) -> Reach:
        """Bound to a device that has no address: what is sent to all comes in all the same, as DHCP does, and what
        is routed here for another address (RFC 1122 3.3.4.2, the weak host model)."""
        device = self._by_name[socket.device or ""]
        if not self._takes_in(device):
            return self._told(socket, [], self._port_of(device) or why)
        if socket.protocol == "udp":
            return Reach(NETWORK, f"whoever sends to all through {_listed([device])}: {why}", (device.name,), False)
        return self._routed_here(device, why) if self._has_outer(socket.families) else _nobody(why)

    def _at(self, socket: Socket) -> Reach:
        """One address, of this host's own or not."""
        address, device = socket.address, socket.device
        holders = self._local.holders(address, device)
        through = self._local.through(address, device)
        if not through:
            return _nobody(self._not_local(socket, holders))
        why = self._held_up(socket)
        if not why and device and device not in through:
            why = f"what {self.here} sends to {address} counts as come through {min(through)}"
        if _is_loopback(address):
            return self._loopback(socket, why)
        others = self._entries((one for one in holders if one.up), device)
        if device and not others and why and self._takes_in(self._by_name[device]):
            return self._routed_here(self._by_name[device], why)
        return self._told(socket, others, why) if others or why else Reach(HOST, self._only_by(socket, holders))

    def _loopback(self, socket: Socket, why: str) -> Reach:
        """127.0.0.0/8 and ::1: others send to them where route_localnet lets it in, ip_route_input_slow().

        Who sets that for nat's sake (Docker, Kubernetes) closes it again by a filter: it is said, and no network reach.
        """
        if why:
            return self._told(socket, (), why)
        links = [one for one in self._interfaces if one.route_localnet and _is_open(one, ("ipv4",))]
        others = self._entries(links if ":" not in socket.address else (), socket.device)
        more = f", and who sends to it through {_listed(others)} (route_localnet is set)" if others else ""
        one = f"only {socket.address}, from {self.here}"
        return Reach(HOST, (f"{self.here} only" if socket.address in ("127.0.0.1", "::1") else one) + more)

    def _only_by(self, socket: Socket, holders: Sequence[Interface]) -> str:
        device = self._by_name.get(socket.device or "")
        why = self._port_of(device) if device else ""
        if holders and not any(one.up for one in holders):
            why = f"{holders[0].name} is down"
        open_ = any(map(self._takes_in, [device] if device else self._interfaces))
        routed = " (and whoever is routed here)" if open_ else ""
        return f"{self.here} only, by {socket.address}{why and f': {why}'}{routed}"

    def _not_local(self, socket: Socket, holders: Sequence[Interface]) -> str:
        if not holders:
            elsewhere = self._local.holders(socket.address)
            return f"{GONE} from {socket.device}" if elsewhere else GONE
        if any(is_tentative(held) for one in holders for held in one.addresses if held.address == socket.address):
            return "duplicate address detection has not finished, or has failed"
        if not any(one.up for one in holders):
            return f"{holders[0].name} is down"
        return "the local route of its address is gone"

    def _held_up(self, socket: Socket) -> str:
        """Why nothing that this host sends to itself arrives, or is answered, whatever the address."""
        if self._lo and not self._lo.up:
            return f"{self._lo.name} is down"
        device = self._by_name.get(socket.device or "")
        return f"{device.name} is down" if device and not device.up else ""

    def _told(self, socket: Socket, others: Sequence[Interface], why: str) -> Reach:
        names = tuple(one.name for one in others)
        if others and not why:
            return Reach(NETWORK, f"{self.here} and the network through {_listed(others)}", names)
        if others:
            says = f"the network through {_listed(others)}, not {self.here} itself: {why}"
            return Reach(NETWORK, says, names, itself=False)
        if socket.protocol == "udp" and why == f"{socket.device} is down" and self._lo and self._lo.up:
            return Reach(HOST, f"{self.here} only, which gets no answer: {why}")
        if self._lo and socket.device == self._lo.name and "counts as" in why:
            return Reach(NONE, f"nobody that is not bound to {socket.device} too: {why}")
        return _nobody(why)

    def _routed_here(self, device: Interface, why: str) -> Reach:
        says = f"whoever is routed here through {_listed([device])}, not {self.here} itself: {why}"
        return Reach(NETWORK, says, (device.name,), itself=False)

    def _sent_to(self, socket: Socket, among: Sequence[Interface]) -> Reach:
        """A group: 224.0.0.0/4, ff00::/8, or a broadcast address of one of `among`."""
        if socket.protocol == "tcp":  # tcp_v4_conn_request(), tcp_v6_conn_request()
            return _nobody("TCP takes no connection at a multicast or broadcast address")
        others = self._entries((one for one in among if one.up), socket.device)
        names = tuple(one.name for one in others)
        if names:
            return Reach(NETWORK, f"whoever sends to {socket.address} through {_listed(others)}", names)
        if not any(one.up for one in among):
            return _nobody(f"{among[0].name} is down")
        return Reach(HOST, f"{self.here} only, by packets to {socket.address}")

    def _entries(self, links: Iterable[Interface], device: str | None) -> list[Interface]:
        """What comes through `links` from outside counts as come through these; through `device` where it is given."""
        found: dict[str, Interface] = {}
        for one in links:
            entry = one
            while self._port_of(entry):  # an interface over ports may be a port itself
                entry = self._by_name[entry.master or ""]
            if entry.up and not entry.loopback and device in (None, entry.name, entry.master):
                found[entry.name] = entry
        return list(found.values())

    def _has_outer(self, families: Collection[str]) -> bool:
        """Some interface has an address that packets of others can be sent to."""
        return any(_family(held.address) in families and held.scope != "link" and not _is_loopback(held.address)
                   for one in self._interfaces for held in one.addresses)  # fmt: skip

    def _takes_in(self, device: Interface) -> bool:
        return device.up and not device.loopback and not self._port_of(device)

    def _port_of(self, one: Interface) -> str:
        """In words, where it is a port of a bridge or the like."""
        master = self._by_name.get(one.master or "")
        is_port = master is not None and master.kind in OVER_PORTS
        return f"what comes through {one.name} counts as come through {one.master}" if is_port else ""


def _nobody(why: str) -> Reach:
    return Reach(NONE, f"nobody: {why}", itself=False)


def _is_open(one: Interface, families: Sequence[str]) -> bool:
    """Others can come by it: it is up, no loopback, and has an address of an IP version that is served."""
    versions = {_family(held.address) for held in one.addresses}
    return one.up and not one.loopback and bool(versions & set(families))


def _family(address: str) -> str:
    return "ipv6" if ":" in address else "ipv4"


def _is_loopback(address: str) -> bool:
    return address == "::1" or (address.startswith("127.") and ":" not in address)


def _listed(interfaces: Sequence[Interface]) -> str:
    """`eth0, docker0 (no carrier) and 3 more`."""
    names = [one.name if one.running else f"{one.name} (no carrier)" for one in interfaces[:_MOST]]
    more = f" and {len(interfaces) - _MOST} more" if len(interfaces) > _MOST else ""
    return ", ".join(names) + more
