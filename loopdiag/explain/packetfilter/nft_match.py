"""Whether one match of an nft rule holds for a packet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.explain.packetfilter.nft_fields import Table, read_field
from loopdiag.explain.packetfilter.nft_values import Kinds, element, is_set, member
from loopdiag.explain.packetfilter.values import ABSENT, Answer, Span, Value, compare, negate, within

if TYPE_CHECKING:
    from loopdiag.explain.packetfilter.place import Place


def matches(inside: Any, place: Place, table: Table) -> Answer:
    """`{"op": ..., "left": ..., "right": ...}` of libnftables-json(5) at this place."""
    value, kinds = read_field(inside["left"], place, table)
    if value is ABSENT:
        return False  # the kernel stops at what is not there, whatever the operator
    operator, right = inside.get("op", "=="), inside["right"]
    if operator in ("<", "<=", ">", ">="):
        return compare(value, operator, element(right, kinds, place))
    if operator == "in" and not is_set(right):
        return _has_flag(value, element(right, kinds, place))
    equal = _equals(value, right, kinds, place, table)
    return negate(equal) if operator == "!=" else equal


def _equals(value: Value, right: Any, kinds: Kinds, place: Place, table: Table) -> Answer:
    if is_set(right):
        return member(value, right, kinds, place, table)
    if isinstance(right, bool) and isinstance(value, str):
        return bool(value) == right  # a route that exists, or is missing
    if isinstance(right, dict) and not right.keys() & {"concat", "prefix", "range", "elem", "|"}:
        return within(value, read_field(right, place, table)[0])
    return within(value, element(right, kinds, place))


def _has_flag(value: Value, mask: Value) -> Answer:
    """At least one bit of `mask` is set."""
    if not isinstance(value, Span) or not isinstance(mask, Span) or not value.exact:
        return None
    return bool(value.low & mask.low)


def what_it_needs(inside: Any) -> str:
    """What a match that cannot be decided depends on, for people."""
    words = _words(inside.get("left"))
    if words & {"numgen", "random"}:
        return "chance"
    if words & {"jhash", "symhash"}:
        return "a hash"
    if words & {"time", "hour", "day"}:
        return "the time"
    if words & {"socket", "cgroup", "skuid", "skgid"}:
        return "the socket's owner"
    return "what cannot be seen from outside"


def _words(left: Any) -> set[str]:
    """All keys and names within an expression."""
    if isinstance(left, dict):
        return {str(key) for key in left} | set().union(*map(_words, left.values()))
    if isinstance(left, list):
        return set().union(*map(_words, left))
    return {left} if isinstance(left, str) else set()
