"""The iptables matches that look at the connection: state, conntrack, connmark, helper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.packetfilter.symbols import CT_STATES, PROTOCOLS
from loopdiag.explain.packetfilter.values import Answer, any_of, exactly, within
from loopdiag.explain.packetfilter.xt_ranges import network, port_range

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loopdiag.explain.packetfilter.place import Place

    Test = Callable[[tuple[str, ...], Place], Answer]


def _state(values: tuple[str, ...], place: Place) -> Answer:
    """NEW, ESTABLISHED, ...; DNAT and SNAT are counted among the states, too."""
    return any_of(_in_state(name, place) for name in values[0].split(","))


def _in_state(name: str, place: Place) -> Answer:
    if name in ("DNAT", "SNAT"):
        end = place.connection.destination if name == "DNAT" else place.connection.source
        return place.tracked and end is not None
    return within(place.state, exactly(CT_STATES[name.lower()])) if name.lower() in CT_STATES else None


def _tracked(test: Test) -> Test:
    """A test that fails where the packet has no connection."""
    return lambda values, place: test(values, place) if place.tracked and not place.connection.untracked else False


def _protocol(values: tuple[str, ...], place: Place) -> Answer:
    name = values[0].lower()
    return (PROTOCOLS[name] if name in PROTOCOLS else int(name)) == place.protocol


def _direction(values: tuple[str, ...], place: Place) -> Answer:
    return (values[0].upper() == "REPLY") == place.packet.answer


def _status(values: tuple[str, ...], place: Place) -> Answer:
    """EXPECTED, SEEN_REPLY, ASSURED, CONFIRMED: none of them holds for the first packet before it has passed."""
    return False if place.packet.state == "new" and values[0].upper() != "NONE" else None


def _original_address(end: str) -> Test:
    return lambda values, place: within(network(getattr(place.connection.original, end)), network(values[0]))


def _original_port(end: str) -> Test:
    def holds(values: tuple[str, ...], place: Place) -> Answer:
        port = getattr(place.connection.original, end)
        return within(None if port is None else exactly(port), port_range(values[0]))

    return holds


def _reply(name: str, part: int) -> Test:
    """The reply tuple: it comes from where the packet really went, and goes to where it seems to come from."""

    def holds(values: tuple[str, ...], place: Place) -> Answer:
        original, connection = place.connection.original, place.connection
        end = (
            connection.destination or (original.destination, original.destination_port)
            if name == "source"
            else connection.source or (original.source, original.source_port)
        )
        if part == 0:
            return within(network(end[0]), network(values[0]))
        return within(None if end[1] is None else exactly(end[1]), port_range(values[0]))

    return holds


def _connmark(values: tuple[str, ...], place: Place) -> Answer:
    wanted, _, mask = values[0].partition("/")
    mark = place.connection.mark
    return None if mark is None else mark & (int(mask, 0) if mask else 0xFFFFFFFF) == int(wanted, 0)


def _no_helper(values: tuple[str, ...], place: Place) -> Answer:
    return False


CONNECTION: Mapping[tuple[str, str], Test] = {
    ("state", "--state"): _state,
    ("conntrack", "--ctstate"): _state,
    ("conntrack", "--ctproto"): _tracked(_protocol),
    ("conntrack", "--ctdir"): _tracked(_direction),
    ("conntrack", "--ctstatus"): _tracked(_status),
    ("conntrack", "--ctorigsrc"): _tracked(_original_address("source")),
    ("conntrack", "--ctorigdst"): _tracked(_original_address("destination")),
    ("conntrack", "--ctorigsrcport"): _tracked(_original_port("source_port")),
    ("conntrack", "--ctorigdstport"): _tracked(_original_port("destination_port")),
    ("conntrack", "--ctreplsrc"): _tracked(_reply("source", 0)),
    ("conntrack", "--ctrepldst"): _tracked(_reply("destination", 0)),
    ("conntrack", "--ctreplsrcport"): _tracked(_reply("source", 1)),
    ("conntrack", "--ctrepldstport"): _tracked(_reply("destination", 1)),
    ("connmark", "--mark"): _tracked(_connmark),
    ("helper", "--helper"): _no_helper,
}
