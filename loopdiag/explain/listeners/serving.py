"""Which listener an attempt meets: by protocol, port, IP version, address, device. inet_lookup_listener() of Linux."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.own import covering, is_loopback, own
from loopdiag.model.routed import routed

if TYPE_CHECKING:
    from loopdiag.model.case import Case
    from loopdiag.model.observation import Observation
    from loopdiag.model.socket import Socket

WILDCARDS = ("0.0.0.0", "::")
LOOPBACK = "lo"
_ZONE = re.compile(r"%[^\]]*")


def zoneless(end: str) -> str:
    """`[fe80::1]:80` for `[fe80::1%eth0]:80`, as sock_diag tells endpoints."""
    return _ZONE.sub("", end)


def protocol_of(seen: Observation) -> str:
    """`udp` or `tcp`."""
    return "udp" if seen.kind == "udp" else "tcp"


def family_of(address: str) -> str:
    """`ipv4` or `ipv6`."""
    return "ipv6" if ":" in address else "ipv4"


def on_port(case: Case, seen: Observation, protocol: str | None = None) -> tuple[Socket, ...]:
    """The listeners on the port that was tried, by the protocol of the attempt or another one."""
    wanted = protocol or protocol_of(seen)
    listeners = known(case.facts.listeners) or ()
    return tuple(one for one in listeners if one.protocol == wanted and one.port == seen.port)


def covers(one: Socket, address: str) -> bool:
    """Whether its address and IP version are those of packets to `address`, whatever its device."""
    bare = routed(address)
    return family_of(bare) in one.families and (one.address in WILDCARDS or one.address == bare)


def arrives_by(case: Case, address: str) -> tuple[str, ...]:
    """The devices that packets of this host to its own `address` count as come through, as SO_BINDTODEVICE sees it.

    They cross lo, and count as come through the interface that has the address, or through its VRF: inet_iif() and
    ip6_rcv_core() of the kernel. So 127/8 and ::1 come through lo.
    """
    bare, zone = routed(address), address.partition("%")[2]
    if is_loopback(bare):
        return (LOOPBACK,)
    held = own(case, bare, zone) or covering(case, bare)
    return tuple(name for name in (held.interface.name, held.interface.master) if name) if held else ()


def _leaves(case: Case, address: str) -> bool:
    """By the kernel's own answer for that address."""
    asked = [case.facts.route, *(known(case.facts.routes) or ())]
    answers = [one for one in map(known, asked) if one is not None and one.destination == address]
    return any(one.way == "there" and one.type == "unicast" for one in answers)


def _is_translated(case: Case, seen: Observation) -> bool:
    to = (routed(seen.address), seen.port)
    paths = [path for path in case.facts.filter_paths or ()
             if path.rewritten and (path.packet.destination, path.packet.destination_port) == to]  # fmt: skip
    if not paths:
        return False
    from loopdiag.explain.filtering.attempts import moves  # loaded only beside such rules

    return any(moves(path) for path in paths)


def serving(case: Case, seen: Observation) -> tuple[Socket, ...]:
    """The listeners that an attempt from this host meets: an exact address goes before a wildcard.

    Several where they share address and port by SO_REUSEPORT. None of them meets it where its packets leave this host,
    or a nat rule surely sends them elsewhere.
    """
    if _leaves(case, routed(seen.address)) or _is_translated(case, seen):
        return ()
    through = (None, *arrives_by(case, seen.address))
    heard = [one for one in on_port(case, seen) if covers(one, seen.address) and one.device in through]
    exact = [one for one in heard if one.address not in WILDCARDS]
    same = [one for one in heard if family_of(one.address) == family_of(routed(seen.address))]
    return tuple(exact or same or heard)
