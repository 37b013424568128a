"""Which nft statements let a packet go on to what stands behind them in the rule, and which end the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.explain.packetfilter.nft_fields import Table, read_field
from loopdiag.explain.packetfilter.nft_match import matches, what_it_needs
from loopdiag.explain.packetfilter.values import ABSENT, Answer

if TYPE_CHECKING:
    from loopdiag.explain.packetfilter.place import Place


def condition(word: str, inside: Any, place: Place, table: Table) -> tuple[Answer, str]:
    """Whether the packet gets past a statement, and what that depends on where it cannot be decided."""
    if word == "match":
        holds = matches(inside, place, table)
        return holds, what_it_needs(inside) if holds is None else ""
    if word == "limit":
        return None, "a rate limit"
    if word in ("ct count", "connlimit"):
        return None, _connections(inside)
    if word == "quota":
        return None, "a quota"
    if word == "xt":
        return (True if inside and inside.get("name") == "comment" else None), "an iptables match"
    if word in ("set", "meter", "map"):
        return _dynamic(inside, place, table)
    if word == "mangle":
        return read_field(inside["value"], place, table)[0] is not ABSENT, ""
    if word == "reject":
        return _can_reject(inside or {}, place), ""
    return True, ""


def _connections(inside: Any) -> str:
    """`a connection limit (over 5)`."""
    return f"a connection limit ({'over' if inside.get('inv') else 'up to'} {inside.get('val')})"


def _dynamic(inside: Any, place: Place, table: Table) -> tuple[Answer, str]:
    """A set that packets add to: its key must be in the packet, and it can carry a limit for each element."""
    key = inside.get("elem", inside.get("key"))
    if isinstance(key, dict) and "elem" in key:
        key = key["elem"].get("val")
    if read_field(key, place, table)[0] is ABSENT:
        return False, ""
    statements = inside.get("stmt", ())
    for statement in [statements] if isinstance(statements, dict) else statements:
        if "ct count" in statement:
            return None, _connections(statement["ct count"])
        if statement.keys() & {"limit", "quota"}:
            return None, "a rate limit"
    return True, ""


def _can_reject(inside: Any, place: Place) -> bool:
    """nft leaves out the match that a kind of reject implies: a reset is for TCP, icmp for IPv4, icmpv6 for IPv6."""
    kind = inside.get("type")
    if kind == "tcp reset":
        return place.packet.protocol == "tcp"
    return {"icmp": 4, "icmpv6": 6}.get(kind or "", place.packet.family) == place.packet.family
