"""The kernel's own answer to a route question, and the rule that gave it: RTM_GETROUTE, rtnetlink(7)."""

from __future__ import annotations

import errno
import os
import socket
import struct
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from loopdiag.host.linux.netlink import ROUTE, NetlinkError, ask, attribute, attributes, number, reading
from loopdiag.host.linux.policy import REJECTING, VRF, Decision, Flow, decide, longest_match
from loopdiag.host.linux.routes import RTM_GETROUTE, RTMSG, device_name, parse_route, read_table
from loopdiag.host.linux.rules import PROTOCOLS, read_rules
from loopdiag.model.errors import UsageError
from loopdiag.model.route import Route, RouteAnswer
from loopdiag.model.unknown import Unknown
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopdiag.model.route import PolicyRule

RTM_F_LOOKUP_TABLE, RTM_F_FIB_MATCH = 0x1000, 0x2000
RTA_DST, RTA_SRC, RTA_IIF, RTA_OIF, RTA_MARK, RTA_UID, RTA_IP_PROTO, RTA_SPORT, RTA_DPORT = (
    1, 2, 3, 4, 16, 25, 27, 28, 29)  # fmt: skip
NUMBERS = {name: number for number, name in PROTOCOLS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question. What is None is not said: the kernel then takes its defaults (the user: who asks)."""

    destination: str
    source: str | None = None
    input_device: str | None = None
    output_device: str | None = None
    mark: int | None = None
    protocol: str | None = None
    source_port: int | None = None
    port: int | None = None
    user: int | None = None

    def __str__(self) -> str:
        """As `ip route get` asks it."""
        words = {
            "from": self.source, "iif": self.input_device, "oif": self.output_device,
            "mark": None if self.mark is None else f"{self.mark:#x}", "uid": self.user,
            "ipproto": self.protocol, "sport": self.source_port, "dport": self.port,
        }  # fmt: skip
        said = (f"{name} {value}" for name, value in words.items() if value is not None)
        return " ".join(("ip route get", self.destination, *said))


def ask_route(
    destination: str,
    *,
    source: str | None = None,
    input_device: str | None = None,
    output_device: str | None = None,
    mark: int | None = None,
    protocol: str | None = None,
    source_port: int | None = None,
    port: int | None = None,
    user: int | None = None,
    rules: tuple[PolicyRule, ...] | Unknown | None = None,
) -> RouteAnswer | Unknown:
    """How the kernel would route a packet to `destination` (a zone names the device). Needs no privilege.

    `protocol` is tcp, udp or icmp; `rules` are the policy rules where they were read already. A refusal of the
    kernel is an answer, with its errno. Raises UsageError for a device that does not exist.
    """
    bare, _, zone = destination.partition("%")
    asked = Asked(
        destination=bare, source=source, input_device=input_device, output_device=output_device or zone or None,
        mark=mark, protocol=_protocol(protocol, bare), source_port=source_port, port=port, user=user,
    )  # fmt: skip
    body = _body(asked)
    known = read_rules() if rules is None else rules
    return reading(
        f"the route to {destination}", lambda: _answer(asked, body, () if isinstance(known, Unknown) else known)
    )


def _protocol(name: str | None, destination: str) -> str | None:
    """The kernel takes tcp, udp, icmp for this question, and for IPv6 ICMPv6 under its own number."""
    if name == "icmp" and ":" in destination:
        return "ipv6-icmp"
    return name if name in NUMBERS else None


def _body(asked: Asked) -> bytes:
    parts = [attribute(RTA_DST, _packed(asked.destination))]
    if asked.source:
        parts.append(attribute(RTA_SRC, _packed(asked.source)))
    for kind, form, value in (
        (RTA_IIF, "=I", _index(asked.input_device)), (RTA_OIF, "=I", _index(asked.output_device)),
        (RTA_MARK, "=I", asked.mark), (RTA_UID, "=I", asked.user),
        (RTA_IP_PROTO, "=B", NUMBERS.get(asked.protocol or "")),
        (RTA_SPORT, "!H", asked.source_port), (RTA_DPORT, "!H", asked.port),
    ):  # fmt: skip
        if value is not None:
            parts.append(attribute(kind, struct.pack(form, value)))
    return b"".join(parts)


def _packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def _index(device: str | None) -> int | None:
    """An interface's index; the text may be the index itself, as a zone's may."""
    if device is None:
        return None
    if device.isdecimal():
        device = device_name(int(device))
    try:
        return socket.if_nametoindex(device)
    except OSError:
        raise UsageError(f"there is no network interface '{device}' on this host") from None


def _request(asked: Asked, body: bytes, flags: int) -> bytes:
    family = socket.AF_INET6 if ":" in asked.destination else socket.AF_INET
    bits = 128 if family == socket.AF_INET6 else 32
    header = RTMSG.pack(family, bits, bits if asked.source else 0, 0, 0, 0, 0, 0, RTM_F_LOOKUP_TABLE | flags)
    return ask(ROUTE, RTM_GETROUTE, header + body)


def _answer(asked: Asked, body: bytes, rules: Sequence[PolicyRule]) -> RouteAnswer:
    """The route that matched (what the table says) and the one resolved from it (what packets really do)."""
    try:
        resolved = _request(asked, body, 0)
    except NetlinkError as fault:
        return _refused(asked, fault, rules)
    route = parse_route(resolved)
    answer = _said(asked, route)
    index = attributes(resolved, RTMSG.size).get(RTA_OIF)
    answer = replace(answer, through=device_name(number(index)) if index else None)
    try:
        matched = _in_its_table(parse_route(_request(asked, body, RTM_F_FIB_MATCH)))
    except NetlinkError:
        return replace(answer, table=None)  # decided without a route: 0.0.0.0, multicast on a given device
    decision = _decision_for(matched, asked, rules)
    return replace(
        answer, table=matched.table, matched=matched.destination, device=matched.device or route.device,
        gateway=matched.gateway or route.gateway, rule=decision and decision.rule, jump=decision and decision.jump,
    )  # fmt: skip


def _in_its_table(route: Route) -> Route:
    """Until the first rule is added, IPv4 keeps local and main in one trie and calls all of it main (fib_trie.c)."""
    if route.table != "main" or route.type not in ("local", "broadcast"):
        return route
    local = read_table("local")
    if isinstance(local, Unknown):
        return route
    same = (one for one in local if (one.destination, one.type) == (route.destination, route.type))
    return next(same, route)


def _said(asked: Asked, route: Route) -> RouteAnswer:
    return replace(
        _unanswered(asked), type=route.type, device=route.device, gateway=route.gateway, table=route.table,
        source=route.source or asked.source,
    )  # fmt: skip


def _unanswered(asked: Asked) -> RouteAnswer:
    return RouteAnswer(
        destination=asked.destination, question=str(asked), asked_from=asked.source, input_device=asked.input_device,
        output_device=asked.output_device, mark=asked.mark, protocol=asked.protocol, port=asked.port,
        user=asked.user,
    )  # fmt: skip


def _flow(asked: Asked) -> Flow:
    return Flow(
        destination=asked.destination, source=asked.source, input_device=asked.input_device or "lo",
        output_device=asked.output_device, mark=asked.mark or 0,
        user=os.geteuid() if asked.user is None else asked.user, protocol=asked.protocol,
        source_port=asked.source_port, destination_port=asked.port,
    )  # fmt: skip


def _decision_for(matched: Route, asked: Asked, rules: Sequence[PolicyRule]) -> Decision | None:
    """By the first rule that leads to the table which the kernel answered from."""
    named = {rule.table for rule in rules if rule.family == _flow(asked).family}

    def find(table: str) -> Route | None:
        right = table == matched.table or (table == VRF and matched.table not in named)
        return matched if right else None

    return decide(rules, _flow(asked), find)


def _refused(asked: Asked, fault: NetlinkError, rules: Sequence[PolicyRule]) -> RouteAnswer:
    """The kernel refused: which rule or route does so is found by its own walk through rules and tables."""
    answer = replace(_unanswered(asked), errno=errno.errorcode.get(fault.errno or 0, str(fault.errno)))
    decision = _refusing(asked, rules)
    if decision is None:
        return answer
    if decision.route is None:
        return replace(answer, rule=decision.rule, type=decision.rule.action, rule_rejects=True)
    route = decision.route
    return replace(
        answer, rule=decision.rule, type=route.type, table=route.table, matched=route.destination,
        device=route.device, gateway=route.gateway,
    )  # fmt: skip


def _refusing(asked: Asked, rules: Sequence[PolicyRule]) -> Decision | None:
    """The rule or route behind a refusal. A route of type unicast is refused for its packet: a 127/8 source, say.

    None where the tables do not tell: there is no route, or a local one for a packet that is refused otherwise.
    """
    apart, merged = (decide(rules, _flow(asked), _tables(asked, merged=one)) for one in (False, True))
    if apart is None or apart.route is None or apart.route.type in REJECTING:
        return apart
    if merged and merged.route and merged.route.type in REJECTING:
        rule = next((one for one in rules if one.table == merged.route.table), merged.rule)
        return Decision(rule, merged.route)
    return apart if apart.route.type == "unicast" else None


def _tables(asked: Asked, *, merged: bool) -> Callable[[str], Route | None]:
    """A way to look a table up. `merged`: as IPv4 has it until the first rule is added, local and main in one."""

    @lru_cache(maxsize=64)
    def find(table: str) -> Route | None:
        names = ("local", "main") if merged and table == "local" else () if table == VRF else (table,)
        read_ones = [read_table(name) for name in names]
        routes = [route for one in read_ones if not isinstance(one, Unknown) for route in one]
        return longest_match(
            [route for route in routes if asked.output_device in (None, route.device)], asked.destination
        )

    return find
