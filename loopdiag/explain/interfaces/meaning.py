"""What an address on an interface means for reachability."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.interface import Interface, InterfaceAddress


def with_meanings(interfaces: Sequence[Interface]) -> tuple[Interface, ...]:
    """The interfaces with `means` filled in for each address."""
    lo = next((interface for interface in interfaces if interface.loopback), None)
    return tuple(
        replace(
            one,
            addresses=tuple(
                replace(address, means=meaning(one, address, lo, vrf_of(one, interfaces))) for address in one.addresses
            ),
        )
        for one in interfaces
    )


def vrf_of(interface: Interface, interfaces: Sequence[Interface]) -> str | None:
    """The VRF device whose table has the interface's routes, where that is not the table of the host itself."""
    devices = {one.name for one in interfaces if one.vrf_table is not None}
    return next((name for name in (interface.name, interface.master) if name in devices), None)


def meaning(
    interface: Interface, address: InterfaceAddress, lo: Interface | None = None, vrf: str | None = None
) -> str:
    """Half a sentence: who reaches it, and how it is to be written."""
    text = _unusable(address) or (_within(vrf, address) if vrf else None) or _kind(interface, address)
    if lo is not None and not lo.up and not vrf:
        return f"{text}; but {lo.name} is down, so it cannot be reached from here"
    extra = [flag for flag in ("deprecated", "temporary") if flag in address.flags]
    return f"{text} ({', '.join(extra)})" if extra else text


def _unusable(address: InterfaceAddress) -> str | None:
    if "dadfailed" in address.flags:
        return "not usable: another host on the link has it (duplicate address)"
    if "tentative" in address.flags and "optimistic" not in address.flags:
        return "not usable yet: duplicate address detection is under way"
    return None


def _within(vrf: str, address: InterfaceAddress) -> str | None:
    """A link-local address is written with its interface, which leads into the VRF's table."""
    link_local = ":" in address.address and ip_address(address.address).is_link_local
    return None if link_local else f"in the VRF {vrf}: reached from inside it alone"


def _kind(interface: Interface, address: InterfaceAddress) -> str:
    ip = ip_address(address.address)
    if ip.is_loopback:
        return _loopback(address)
    if ip.version == 6 and ip.is_link_local:
        return f"link-local: write {address.address}%{interface.name}"
    if interface.loopback:
        return "own, for this host only unless others are routed here"
    if not interface.up:
        return f"own: this host reaches it by lo, others cannot ({interface.name} is down)"
    if not interface.running:
        return f"own: this host reaches it by lo, others cannot ({interface.name} has no carrier)"
    if ip.is_link_local:
        return f"own, link-local: this host reaches it by lo, hosts on {interface.name} directly"
    return f"own: this host reaches it by lo, others by {interface.name}"


def _loopback(address: InterfaceAddress) -> str:
    network = ip_interface(f"{address.address}/{address.prefix}").network
    if network.num_addresses > 1:
        return f"loopback: all of {network} is this host"
    return "loopback: this host, by itself only"
