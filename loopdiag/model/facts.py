"""Facts: what this host's own state says, by topic.

Every topic is one of three things: a value that was read; an `Unknown` where reading failed; None where nobody
needed it. A rule must tell them apart: what was not read proves nothing.
"""

from __future__ import annotations

from dataclasses import field, fields, is_dataclass
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from loopdiag.model.counters import Counters
    from loopdiag.model.interface import Interface
    from loopdiag.model.journey import Drop
    from loopdiag.model.limits import CgroupProgram, Conntrack, Qdisc, Sandbox
    from loopdiag.model.names import Answer, NameFacts
    from loopdiag.model.observation import TcpConnect
    from loopdiag.model.packetfilter import FilterPath, Ruleset
    from loopdiag.model.route import PolicyRule, Route, RouteAnswer
    from loopdiag.model.service import BackendAttempt, HttpExchange
    from loopdiag.model.socket import Socket, UnixSocket
    from loopdiag.model.space import Space
    from loopdiag.model.unknown import Unknown

_INTERNAL = {"json": False}  # read for judging; too long to print unasked


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All topics. `replace()` from dataclasses makes a host with one thing changed."""

    route: RouteAnswer | Unknown | None = None  # for the address that was probed first
    routes: tuple[RouteAnswer, ...] | Unknown | None = None  # every question asked, own address as source too
    rules: tuple[PolicyRule, ...] | Unknown | None = None
    local_table: tuple[Route, ...] | Unknown | None = field(default=None, metadata=_INTERNAL)
    interfaces: tuple[Interface, ...] | Unknown | None = None
    answers: tuple[Answer, ...] | Unknown | None = None
    names: NameFacts | Unknown | None = None
    listeners: tuple[Socket, ...] | Unknown | None = None  # TCP listeners and UDP sockets on the port asked for
    sockets: tuple[Socket, ...] | Unknown | None = field(default=None, metadata=_INTERNAL)  # all that use the port
    unlisted: tuple[Socket, ...] | Unknown | None = None  # bound, where the kernel does not tell such sockets by itself
    elsewhere: tuple[Socket, ...] | Unknown | None = None  # on the port, in other network namespaces
    unix_sockets: tuple[UnixSocket, ...] | Unknown | None = field(default=None, metadata=_INTERNAL)
    sysctls: Mapping[str, str | Unknown] | None = None  # by dotted name
    ruleset: Ruleset | Unknown | None = field(default=None, metadata=_INTERNAL)  # nftables and both kinds of iptables
    filter_paths: tuple[FilterPath, ...] | None = None  # the ruleset evaluated for the packets of this probe
    excluded_ports: tuple[tuple[int, int], ...] | Unknown | None = None  # Windows: ranges that nobody may bind
    conntrack: Conntrack | Unknown | None = None
    qdiscs: tuple[Qdisc, ...] | Unknown | None = None
    cgroup_programs: tuple[CgroupProgram, ...] | Unknown | None = None
    sandbox: Sandbox | Unknown | None = None
    proxies: Mapping[str, str] | None = None  # proxy variables of the environment, without passwords
    proxy_attempts: tuple[TcpConnect, ...] | None = None  # one to each proxy of those variables that is on this host
    proxy_answers: tuple[HttpExchange, ...] | None = None  # the same request through each of those that answered
    backends: tuple[BackendAttempt, ...] | Unknown | None = None  # connections that serving ours gave rise to
    behind: tuple[Space, ...] | None = field(default=None, metadata=_INTERNAL)  # namespaces where it was refused
    counters: Counters | Unknown | None = None  # moved during the probe
    drops: tuple[Drop, ...] | Unknown | None = None  # seen by tracepoint during the probe

    def unknowns(self) -> Iterator[Unknown]:
        """Every reading that failed, those within a topic (`sysctls`, `names`) included."""
        from loopdiag.model.unknown import Unknown

        for topic in fields(self):
            for part in _parts(getattr(self, topic.name)):
                yield from (one for one in (part if isinstance(part, tuple) else (part,)) if isinstance(one, Unknown))


def _parts(topic: object) -> Iterable[object]:
    """A topic, or what it is made of where that may be known in part."""
    from loopdiag.model.unknown import Unknown

    if isinstance(topic, dict):
        return topic.values()
    if isinstance(topic, tuple):
        owners = [getattr(one, "owners", None) for one in topic]  # thousands of sockets have few different ones
        return [one for one in dict(zip(map(id, owners), owners, strict=True)).values() if isinstance(one, Unknown)]
    if is_dataclass(topic) and not isinstance(topic, (type, Unknown)):
        return [getattr(topic, part.name) for part in fields(topic)]
    return (topic,)
