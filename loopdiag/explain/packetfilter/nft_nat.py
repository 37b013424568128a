"""nft's nat statements: where they send a packet. nft(8), NAT STATEMENTS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.explain.packetfilter.effects import Effect
from loopdiag.explain.packetfilter.nft_fields import Table, read_field
from loopdiag.explain.packetfilter.nft_match import what_it_needs
from loopdiag.explain.packetfilter.nft_values import looked_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.packetfilter.place import Place

Constant = tuple[Any, bool]  # as nft's JSON has it, and whether it is the certain one


def nat_effects(word: str, inside: Any, place: Place, table: Table, depends_on: str) -> Iterator[Effect]:
    """The nat that a statement does; several, none of them sure, where a map's key cannot be known."""
    inside = inside or {}
    if not _of_family(inside, place):
        return
    for address, sure_address in _constants(inside.get("addr"), place, table):
        for port, sure_port in _constants(inside.get("port"), place, table):
            needs = depends_on or ("" if sure_address and sure_port else _needs(inside))
            yield _effect(word, address, port, needs)


def _of_family(inside: Any, place: Place) -> bool:
    return inside.get("family", "") in ("", "ip" if place.packet.family == 4 else "ip6")


def _needs(inside: Any) -> str:
    """What the choice from a map depends on."""
    ends = (inside.get("addr"), inside.get("port"))
    keys = [end["map"]["key"] for end in ends if isinstance(end, dict) and "map" in end]
    return what_it_needs({"left": keys})


def _constants(raw: Any, place: Place, table: Table) -> Iterator[Constant]:
    """The addresses or ports that a nat may use: one, or what its map gives."""
    if not isinstance(raw, dict) or "map" not in raw:
        yield raw, True
        return
    value, kinds = read_field(raw["map"]["key"], place, table)
    yield from looked_up(value, raw["map"]["data"], kinds, place, table)


def _effect(word: str, address: Any, port: Any, needs: str) -> Effect:
    if isinstance(address, dict) and "concat" in address:
        address, port = address["concat"][0], address["concat"][1]
    vague = isinstance(address, dict) or isinstance(port, dict)
    return Effect(
        kind=word,
        sure=not needs,
        depends_on=needs,
        address=address if isinstance(address, str) else None,
        port=port if isinstance(port, int) else None,
        vague=vague,
        target=f"{_span(address)}{':' if port is not None else ''}{_span(port)}" if vague else "",
    )


def _span(raw: Any) -> str:
    if isinstance(raw, dict):
        word, ends = next(iter(raw.items()))
        return "-".join(map(str, ends)) if word == "range" else f"{ends.get('addr')}/{ends.get('len')}"
    return "" if raw is None else str(raw)
