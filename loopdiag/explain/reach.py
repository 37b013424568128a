"""From where a listener can be reached, by its address and device and the host's interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.address import Address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.interface import Interface
    from loopdiag.model.socket import Socket

WILDCARDS = ("0.0.0.0", "::")


def reach(socket: Socket, interfaces: Sequence[Interface]) -> str:
    """`host` (this host only), `network` (others too), or `none` (its address is on no interface any more)."""
    if socket.device and not _is_open(socket.device, interfaces):
        return "host"
    if socket.address in WILDCARDS:
        open_to = [one for one in interfaces if not one.loopback and one.up and one.addresses]
        return "network" if open_to else "host"
    if Address(socket.address).ip.is_loopback:
        return "host"
    owners = [one for one in interfaces if any(held.address == socket.address for held in one.addresses)]
    if not owners:
        return "none"
    return "host" if all(one.loopback for one in owners) else "network"


def _is_open(device: str, interfaces: Sequence[Interface]) -> bool:
    return any(one.name == device and not one.loopback for one in interfaces)
