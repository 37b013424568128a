"""What a host takes for its own addresses, and which interface its packets to them count as come through.

Table `local` decides where it was read: ip-route(8). Where it was not, what the kernel puts there for the addresses
of interfaces: fib_add_ifaddr() and __ipv6_ifa_notify() of Linux.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from loopdiag.model.interface import Interface, InterfaceAddress
    from loopdiag.model.route import Route

# What comes through a port of these counts as come through them: br_pass_frame_up(), bond_handle_frame(), team.
OVER_PORTS = ("bridge", "bond", "team")
_ALONE = ("/32", "/128")
Entry = tuple[str, str | None]  # type of the route, device


class LocalAddresses:
    """The own addresses of a host, found without looking at each interface again for each question."""

    def __init__(self, interfaces: Sequence[Interface], table: Sequence[Route] | None) -> None:
        kinds = {one.name: one.kind for one in interfaces}
        self._interfaces = interfaces
        self._vrf = {one.name: one.master for one in interfaces
                     if one.master and kinds.get(one.master) not in OVER_PORTS}  # fmt: skip
        self._holders: dict[str, list[Interface]] = {}
        self._alone: dict[str, list[Entry]] = {}
        self._wide: list[tuple[IPv4Network | IPv6Network, Entry]] = []
        self._groups: dict[str, list[Interface]] | None = None
        for one in interfaces:
            for held in one.addresses:
                self._holders.setdefault(held.address, []).append(one)
        for route in table or ():
            self._add(route.destination, (route.type, route.device))
        for one in interfaces:
            # The local routes of a VRF's members are in the table of the VRF: l3mdev_fib_table_rcu().
            if table is None or one.name in self._vrf:
                self._add_held(one)
        self._wide.sort(key=lambda found: -found[0].prefixlen)

    def _add(self, prefix: str, entry: Entry) -> None:
        if prefix.endswith(_ALONE):
            self._alone.setdefault(prefix.partition("/")[0], []).append(entry)
        else:
            self._wide.append((ip_network(prefix, strict=False), entry))

    def _add_held(self, one: Interface) -> None:
        """An IPv4 address of lo stands for its whole prefix: all of 127.0.0.0/8 is local by one address."""
        for held in one.addresses:
            six = ":" in held.address
            if not is_tentative(held):
                self._add(f"{held.address}/{held.prefix if one.loopback and not six else 128 if six else 32}",
                          ("local", one.name))  # fmt: skip

    def holders(self, address: str, device: str | None = None) -> list[Interface]:
        """The interfaces that have `address`; of a link-local one, `device` alone: each link has its own."""
        found = self._holders.get(address, [])
        return [one for one in found if one.name == device] if device and _is_link_local(address) else found

    def through(self, address: str, device: str | None = None) -> set[str]:
        """The interfaces that this host's packets to `address` count as come through; none where it is not local.

        They cross lo, and count as come through the device of the local route: inet_iif(), ip6_rcv_core().
        """
        entries = self._alone.get(address)
        if entries is None:
            wanted = ip_address(address)
            entries = [next((entry for network, entry in self._wide if wanted in network), ("", None))]
        own = {name for kind, name in entries if kind == "local" and name}
        if device and _is_link_local(address):
            own &= {device}
        return own | {self._vrf[name] for name in own if name in self._vrf}

    def families(self, device: str | None = None) -> set[str]:
        """The IP versions of which there is a local address at all, or one that `device` counts for."""
        return {"ipv6" if ":" in address else "ipv4" for address, (kind, name) in self._every()
                if kind == "local" and device in (None, name, self._vrf.get(name or ""))}  # fmt: skip

    def broadcasters(self, address: str) -> list[Interface]:
        """The interfaces that have `address` as the broadcast address of their network: RFC 922."""
        if self._groups is None:
            self._groups = {}
            for one in self._interfaces:
                for held in one.addresses:
                    if ":" not in held.address and held.prefix < 31:
                        network = ip_network(f"{held.address}/{held.prefix}", strict=False)
                        self._groups.setdefault(str(network.broadcast_address), []).append(one)
        return self._groups.get(address, [])

    def _every(self) -> Iterator[tuple[str, Entry]]:
        for address, entries in self._alone.items():
            for entry in entries:
                yield address, entry
        for network, entry in self._wide:
            yield str(network), entry


def is_tentative(held: InterfaceAddress) -> bool:
    """The kernel does not use it: duplicate address detection has not finished, or has failed. RFC 4862 5.4."""
    return bool({"tentative", "dadfailed"} & set(held.flags)) and "optimistic" not in held.flags


def _is_link_local(address: str) -> bool:
    return address.startswith(("fe8", "fe9", "fea", "feb"))
