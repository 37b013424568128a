"""The right-hand sides of nft's JSON: constants, ranges, prefixes, sets, maps. libnftables-json(5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.explain.packetfilter.place import address_number
from loopdiag.explain.packetfilter.symbols import SYMBOLS
from loopdiag.explain.packetfilter.values import Answer, Span, Value, any_of, exactly, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.explain.packetfilter.place import Place

NAMES = "name"  # the kind of interface names, which stay text
ADDRESSES = "address"

Kinds = tuple[str, ...]  # one for each part of a concatenation


def element(raw: Any, kinds: Kinds, place: Place) -> Value:
    """One constant of a rule or set as a Value of these kinds; None where it is not understood."""
    if isinstance(raw, dict):
        return _composed(raw, kinds, place)
    if isinstance(raw, list):
        return _flags(raw, kinds, place)
    if len(kinds) != 1:
        return None
    return _constant(raw, kinds[0], place)


def _composed(raw: dict[str, Any], kinds: Kinds, place: Place) -> Value:
    word: str
    inside: Any
    word, inside = next(iter(raw.items()), ("", None))
    if word == "elem":
        return element(inside.get("val"), kinds, place)
    if word == "concat" and isinstance(inside, list) and len(inside) == len(kinds):
        return tuple(element(part, (kind,), place) for part, kind in zip(inside, kinds, strict=True))
    if word == "prefix":
        return _prefix(inside)
    if word == "range":
        low, high = (element(end, kinds, place) for end in inside)
        return Span(low.low, high.high) if isinstance(low, Span) and isinstance(high, Span) else None
    if word == "|":
        return _flags(inside, kinds, place)
    return None


def _prefix(inside: dict[str, Any]) -> Value:
    address, length = inside["addr"], inside["len"]
    start = address_number(address) if isinstance(address, str) else None
    if start is None or not isinstance(length, int):
        return None
    hosts = (1 << (128 if ":" in address else 32) - length) - 1
    return Span(start.low & ~hosts, start.low | hosts)


def _flags(raw: Sequence[Any], kinds: Kinds, place: Place) -> Value:
    """Several names or numbers, or-ed."""
    together = 0
    for part in raw:
        one = element(part, kinds, place)
        if not isinstance(one, Span) or not one.exact:
            return None
        together |= one.low
    return exactly(together)


def _constant(raw: Any, kind: str, place: Place) -> Value:
    if isinstance(raw, (bool, int)):
        return _device(raw, place) if kind == NAMES else exactly(int(raw))
    if not isinstance(raw, str):
        return None
    if kind == NAMES:
        return raw
    if raw == "*":
        return Span(0, (1 << 128) - 1)
    if kind == ADDRESSES and (":" in raw or "." in raw):
        return address_number(raw)
    number = SYMBOLS.get(kind, {}).get(raw)
    if number is not None:
        return exactly(number)
    try:
        return exactly(int(raw, 0))
    except ValueError:
        return None


def _device(index: int, place: Place) -> Value:
    """An interface that nft shows by its number, as it no longer has a name."""
    return next(
        (name for name, number in place.world.devices.items() if number == index), "" if index == 0 else f"#{index}"
    )


def elements(raw: Any, place: Place, table: tuple[str, str]) -> tuple[list[Any], bool] | None:
    """The elements of `@name` or an anonymous set, and whether packets themselves change it; None: not known."""
    if isinstance(raw, dict) and "set" in raw:
        inside = raw["set"]
        return (inside if isinstance(inside, list) else [inside]), False
    if isinstance(raw, str) and raw.startswith("@"):
        key = (*table, raw[1:])
        named = place.sets.get(key)
        return None if named is None else (list(named.get("elem", ())), key in place.changing)
    return None


def is_set(raw: Any) -> bool:
    """`raw` is a set: named or anonymous."""
    return (isinstance(raw, dict) and "set" in raw) or (isinstance(raw, str) and raw.startswith("@"))


def member(value: Value, raw: Any, kinds: Kinds, place: Place, table: tuple[str, str]) -> Answer:
    """Whether `value` is in the set `raw`. What packets add to a set may not have been there for ours."""
    found = elements(raw, place, table)
    if found is None:
        return None
    answer = any_of(within(value, element(one, kinds, place)) for one in found[0])
    return None if answer and found[1] else answer


def looked_up(value: Value, raw: Any, kinds: Kinds, place: Place, table: tuple[str, str]) -> Iterator[tuple[Any, bool]]:
    """What a map gives for `value`: (data, True) where that is certain, else each that is possible with False."""
    found = elements(raw, place, table)
    for pair in found[0] if found else ():
        if not isinstance(pair, list) or len(pair) != 2:
            continue
        answer = within(value, element(pair[0], kinds, place))
        if answer and found is not None and not found[1]:
            yield pair[1], True
            return
        if answer is not False:
            yield pair[1], False
