"""What nat does to the packets of a connection: nf_nat_core.c, nf_nat_redirect.c, nf_nat_masquerade.c of the kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopdiag.explain.packetfilter.effects import Effect
    from loopdiag.explain.packetfilter.place import Connection, Place, World
    from loopdiag.model.packetfilter import Packet

LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def is_own(address: str, world: World) -> bool | None:
    """The address is this host's; None where that is not known."""
    if address.startswith("127.") or address == "::1":
        return True
    return None if world.addresses is None else address in world.addresses


def aim(effect: Effect, place: Place) -> str:
    """Do a sure dnat or redirect: the connection and the packet change; returns the new end as text."""
    packet = place.packet
    if effect.vague:
        place.packet = replace(packet, unknown=packet.unknown | {"destination", "destination_port"})
        return effect.target
    address = effect.address or (LOOPBACK[packet.family] if effect.kind == "redirect" else packet.destination)
    port = packet.destination_port if effect.port is None else effect.port
    place.connection.destination = address, port
    place.packet = replace(packet, destination=address, destination_port=port)
    place.output = "lo" if is_own(address, place.world) else None
    return _end(address, port)


def disguise(effect: Effect, place: Place) -> str | None:
    """Do a sure snat or masquerade; returns the new source as text, None where there is no address to use."""
    packet = place.packet
    address = effect.address
    if effect.kind == "masquerade":
        address = _masquerade(place)
        if address == "":
            return None
    if address is None:
        place.packet = replace(packet, unknown=packet.unknown | {"source", "source_port"})
        return effect.target or "an address of this host"
    place.connection.source = address, packet.source_port if effect.port is None else effect.port
    place.packet = replace(packet, source=address, source_port=place.connection.source[1])
    return address


def _masquerade(place: Place) -> str | None:
    """On lo, IPv4 takes the first address that is more than host-wide, and none is a reason to drop the packet."""
    if place.packet.family == 6 and place.output == "lo":
        return place.packet.source
    return place.world.masquerade if place.output == "lo" else None


def translate(packet: Packet, hook: str, connection: Connection) -> Packet:
    """A later packet of the connection at the nat of `hook`: the destination in output and prerouting, else the source.

    Answers are changed back, so that each side sees the other as it knows it.
    """
    at_destination = hook in ("output", "prerouting")
    if not packet.answer:
        end = connection.destination if at_destination else connection.source
    elif at_destination:
        end = _original(connection, "source") if connection.source else None
    else:
        end = _original(connection, "destination") if connection.destination else None
    if end is None:
        return packet
    return _at(packet, "destination" if at_destination else "source", end)


def _original(connection: Connection, end: str) -> tuple[str, int | None]:
    original = connection.original
    if end == "source":
        return original.source, original.source_port
    return original.destination, original.destination_port


def _at(packet: Packet, end: str, to: tuple[str, int | None]) -> Packet:
    address, port = to
    if end == "destination":
        return replace(packet, destination=address, destination_port=port)
    return replace(packet, source=address, source_port=port)


def _end(address: str, port: int | None) -> str:
    from loopdiag.model.address import endpoint

    return endpoint(address, port)
