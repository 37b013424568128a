"""A probe and what answers it, each through all hooks that it passes: the answer is addressed as nat left the probe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.explain.packetfilter.place import Connection
from loopdiag.explain.packetfilter.symbols import ICMP_CODES, ICMPV6_CODES
from loopdiag.explain.packetfilter.walk import Rules, Walk
from loopdiag.model.packetfilter import Packet
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.packetfilter.place import World
    from loopdiag.model.packetfilter import FilterPath, Ruleset


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The packets of one attempt. `of` is the observation's label.

    `answers` are what may come back to the probe (one of them does), `later` what follows once an answer has come;
    their addresses and ports are filled in, all else counts as it stands. `answered`: an answer did come, so what may
    have stopped the probe did not.
    """

    of: str
    probe: Packet
    answers: tuple[Packet, ...] = ()
    later: tuple[Packet, ...] = ()
    answered: bool = False


def follow(ruleset: Ruleset, world: World, exchange: Exchange) -> Iterator[FilterPath]:
    """The path of the probe; where it gets through, those of its answers; where one of these does, the later ones."""
    connection = Connection(original=exchange.probe)
    rules = Rules(ruleset)
    walk = Walk(rules, world, connection, exchange.probe)
    probe = walk.send(exchange.of)
    yield probe
    arrived, local = walk.place.packet, walk.place.hook == "input"
    if probe.verdict == "reject":
        error = _addressed(rejection(probe), arrived)
        yield _follow(rules, world, connection, error, exchange.of, local=True)
    if not _goes_on(probe, exchange):
        return
    answered = []
    for template in exchange.answers:
        path = _follow(rules, world, connection, _addressed(template, arrived), exchange.of, local)
        answered.append(path)
        yield path
    if not answered or not _goes_on(answered[0], exchange):
        return
    for template in exchange.later:
        packet = _addressed(template, arrived) if template.answer else _like(template, exchange.probe)
        path = _follow(rules, world, connection, packet, exchange.of, local)
        yield path
        if not _goes_on(path, exchange):
            return


def _goes_on(path: FilterPath, exchange: Exchange) -> bool:
    """It got through by the rules; or they leave it open, and the socket saw that it did."""
    return path.verdict == "accept" or (exchange.answered and not path.certain)


def rejection(path: FilterPath) -> Packet:
    """What a rule sends back that rejects: it passes all hooks itself, and may meet the same rule."""
    kind, _, code = path.steps[-1].detail.partition(" ")
    family = path.packet.family
    common: dict[str, Any] = {"source": "", "destination": "", "family": family, "state": "related", "answer": True}
    if kind == "tcp":
        return Packet(protocol="tcp", name="RST of the reject", tcp_flags=frozenset({"rst", "ack"}),
                      length=40 if family == 4 else 60, **common)  # fmt: skip
    codes = ICMP_CODES if family == 4 else ICMPV6_CODES
    return Packet(
        protocol="icmp" if family == 4 else "icmpv6",
        name="ICMP error of the reject",
        icmp_type=3 if family == 4 else 1,
        icmp_code=codes.get(code, 0),
        unknown=frozenset({"length"}),
        **common,
    )


def _follow(rules: Rules, world: World, connection: Connection, packet: Packet, of: str, local: bool) -> FilterPath:
    walk = Walk(rules, world, connection, packet)
    return walk.receive(of) if packet.answer and not local else walk.send(of)


def _addressed(template: Packet, arrived: Packet) -> Packet:
    """The answer to a packet that arrived: from where that went, to where that came from."""
    turned = {"source": "destination", "destination": "source", "source_port": "destination_port",
              "destination_port": "source_port"}  # fmt: skip
    unknown = {turned[name] for name in arrived.unknown if name in turned}
    return replace(
        template,
        family=arrived.family,
        source=arrived.destination,
        destination=arrived.source,
        source_port=None if template.protocol.startswith("icmp") else arrived.destination_port,
        destination_port=None if template.protocol.startswith("icmp") else arrived.source_port,
        unknown=template.unknown | unknown,
    )


def _like(template: Packet, probe: Packet) -> Packet:
    return replace(
        template,
        family=probe.family,
        source=probe.source,
        destination=probe.destination,
        source_port=probe.source_port,
        destination_port=probe.destination_port,
        unknown=template.unknown | (probe.unknown & {"source_port", "source"}),
    )
