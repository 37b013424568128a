"""The packets that the probes sent, and their answers, as the packet filter saw them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from loopdiag.explain.evidence import known
from loopdiag.explain.packetfilter.journey import Exchange, follow
from loopdiag.explain.packetfilter.place import World
from loopdiag.model.observation import Outcome
from loopdiag.model.packetfilter import LAST_OF_HANDSHAKE, Packet
from loopdiag.model.routed import routed
from loopdiag.model.target import split_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts
    from loopdiag.model.observation import Observation
    from loopdiag.model.packetfilter import FilterPath, Ruleset

# kind of observation -> the protocol that carries it; others send nothing, or over a connection that is told of
PROTOCOLS = {"tcp-connect": "tcp", "udp": "udp", "icmp-echo": "icmp", "http": "tcp", "tls": "tcp"}
LENGTHS = {4: 20, 6: 40}  # of the IP header
SYN = 40  # bytes of a TCP header with the options of Linux: MSS, SACK, time stamps, window scale
ACK = 32  # the same with time stamps alone
ECHO_REQUEST, ECHO_REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}
UNREACHABLE, PORT_CODE = {4: 3, 6: 1}, {4: 3, 6: 4}


def paths_of(question: Question, facts: Facts, ruleset: Ruleset) -> tuple[FilterPath, ...]:
    """The ruleset evaluated for every packet of the attempts."""
    world = world_of(facts, ruleset)
    exchanges = {(one.probe, one.of): one for one in _exchanges(question, facts)}
    return tuple(path for one in exchanges.values() for path in follow(ruleset, world, one))


def world_of(facts: Facts, ruleset: Ruleset) -> World:
    """What the evaluation needs beside the ruleset."""
    interfaces, rules = known(facts.interfaces), known(facts.rules)
    own = [(each, one) for each in interfaces or () for one in each.addresses]
    wide = [one.address for _, one in own if ":" not in one.address and one.scope in ("global", "site")]
    return World(
        addresses=None if interfaces is None else frozenset(one.address for _, one in own),
        devices={each.name: each.index for each in interfaces or ()},
        queues=known(ruleset.queues),
        mark_rules=None if rules is None else any(rule.mark is not None for rule in rules),
        masquerade=None if interfaces is None else next(iter(wide), ""),
    )


def _exchanges(question: Question, facts: Facts) -> Iterator[Exchange]:
    for seen in question.observations:
        protocol = PROTOCOLS.get(seen.kind)
        if protocol:
            yield _exchange(seen, protocol, facts)


def _exchange(seen: Observation, protocol: str, facts: Facts) -> Exchange:
    destination = routed(seen.address)
    family = 6 if ":" in destination else 4
    if protocol == "icmp":
        return _echo(seen, destination, family, facts)
    source, port = _local(seen, destination, facts)
    probe = Packet(
        family=family,
        protocol=protocol,
        name="SYN" if protocol == "tcp" else "datagram",
        source=source,
        destination=destination,
        source_port=port,
        destination_port=seen.port,
        tcp_flags=frozenset({"syn"} if protocol == "tcp" else ()),
        length=LENGTHS[family] + SYN if protocol == "tcp" else 0,
        unknown=frozenset(() if protocol == "tcp" else ("length",)),
        **_ours(),
    )
    there, uid = _listener(facts, protocol, seen)
    if protocol == "tcp":
        return Exchange(
            of=seen.label, probe=probe, answers=_tcp_answers(family, there, uid), later=_tcp_later(probe, uid),
            answered=seen.outcome is Outcome.CONNECTED,
        )  # fmt: skip
    return Exchange(of=seen.label, probe=probe, answers=_udp_answers(family, _was_there(seen, there), uid))


def _ours() -> dict[str, Any]:
    """The user and group of our own sockets."""
    return {"uid": os.geteuid(), "gid": os.getegid()} if hasattr(os, "geteuid") else {}


def _local(seen: Observation, destination: str, facts: Facts) -> tuple[str, int | None]:
    """The source of the probe: as its socket said, else as the route says."""
    host, port = split_port(seen.local or "")
    address = host.partition("%")[0]
    number = int(port) if port and port.isdecimal() and port != "0" else None
    if address and routed(address) == address:
        return address, number
    route = known(facts.route)
    if route and route.destination == destination and route.source:
        return route.source, number
    return ("127.0.0.1" if destination.startswith("127.") else destination), number


def _listener(facts: Facts, protocol: str, seen: Observation) -> tuple[bool | None, int | None]:
    """Whether somebody listens at the address asked (None: not known), and as which user."""
    listeners = known(facts.listeners)
    if listeners is None:
        return (True if seen.outcome.good else None), None
    family = "ipv6" if ":" in seen.address else "ipv4"
    fit = [
        one
        for one in listeners
        if one.protocol == protocol
        and one.port == seen.port
        and family in one.families
        and one.address in ("0.0.0.0", "::", routed(seen.address))
    ]
    return bool(fit), fit[0].uid if fit else None


def _was_there(seen: Observation, there: bool | None) -> bool | None:
    """A closed UDP port answers with an ICMP error: after silence, a server may have been there, and ended since."""
    return None if there is False and seen.outcome is Outcome.TIMED_OUT else there


def _answer(family: int, protocol: str, name: str, **fields: Any) -> Packet:
    """An answer without its addresses and ports, which follow from how the probe arrived."""
    return Packet(family=family, protocol=protocol, name=name, source="", destination="", answer=True,
                  **{"state": "established", **fields})  # fmt: skip


def _tcp_answers(family: int, there: bool | None, uid: int | None) -> tuple[Packet, ...]:
    accepted = _answer(family, "tcp", "SYN-ACK", tcp_flags=frozenset({"syn", "ack"}), length=LENGTHS[family] + SYN,
                       uid=uid, unknown=_who(uid))  # fmt: skip
    refused = _answer(family, "tcp", "RST", tcp_flags=frozenset({"rst", "ack"}), length=LENGTHS[family] + 20)
    return (accepted,) if there else (refused,) if there is False else (accepted, refused)


def _tcp_later(probe: Packet, uid: int | None) -> tuple[Packet, ...]:
    """The end of the handshake, and what carries data once the connection stands."""
    acknowledged = Packet(family=probe.family, protocol="tcp", name=LAST_OF_HANDSHAKE, source="", destination="",
                          tcp_flags=frozenset({"ack"}), state="established", uid=probe.uid, gid=probe.gid,
                          length=LENGTHS[probe.family] + ACK,
                          unknown=probe.unknown)  # fmt: skip
    data = Packet(family=probe.family, protocol="tcp", name="data", source="", destination="",
                  tcp_flags=frozenset({"psh", "ack"}), state="established", uid=probe.uid, gid=probe.gid,
                  unknown=probe.unknown | {"length"})  # fmt: skip
    answer = _answer(probe.family, "tcp", "data of the answer", tcp_flags=frozenset({"psh", "ack"}), uid=uid,
                     unknown=_who(uid) | {"length"})  # fmt: skip
    return acknowledged, data, answer


def _udp_answers(family: int, there: bool | None, uid: int | None) -> tuple[Packet, ...]:
    answer = _answer(family, "udp", "answer", uid=uid, unknown=_who(uid) | {"length"})
    closed = _answer(family, "icmp" if family == 4 else "icmpv6", "ICMP port unreachable", state="related",
                     icmp_type=UNREACHABLE[family], icmp_code=PORT_CODE[family],
                     unknown=frozenset({"length"}))  # fmt: skip
    return (answer,) if there else (closed,) if there is False else (answer, closed)


def _who(uid: int | None) -> frozenset[str]:
    return frozenset({"gid"} if uid is not None else {"uid", "gid"})


def _echo(seen: Observation, destination: str, family: int, facts: Facts) -> Exchange:
    protocol = "icmp" if family == 4 else "icmpv6"
    request = Packet(
        family=family,
        protocol=protocol,
        name="echo request",
        source=_local(seen, destination, facts)[0],
        destination=destination,
        icmp_type=ECHO_REQUEST[family],
        icmp_code=0,
        unknown=frozenset({"length"}),
        **_ours(),
    )
    reply = _answer(family, protocol, "echo reply", icmp_type=ECHO_REPLY[family], icmp_code=0,
                    unknown=frozenset({"length"}))  # fmt: skip
    return Exchange(of=seen.label, probe=request, answers=(reply,))
