"""An nft rule as its effects on a packet: statements in their order, each only where the matches before it hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.explain.packetfilter.effects import Effect
from loopdiag.explain.packetfilter.nft_conditions import condition
from loopdiag.explain.packetfilter.nft_fields import Table, read_field
from loopdiag.explain.packetfilter.nft_match import what_it_needs
from loopdiag.explain.packetfilter.nft_nat import nat_effects
from loopdiag.explain.packetfilter.nft_values import looked_up
from loopdiag.explain.packetfilter.values import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.packetfilter.place import Place
    from loopdiag.model.packetfilter import FilterRule

VERDICTS = ("accept", "drop", "return", "jump", "goto", "reject", "queue")
NAT = ("dnat", "snat", "redirect", "masquerade")
HARMLESS = ("log", "counter", "comment", "dup", "flow", "secmark", "last", "continue", "meta", "ct helper",
            "ct timeout", "ct expectation")  # fmt: skip
REWRITES = {"saddr": "source", "daddr": "destination", "sport": "source_port", "dport": "destination_port"}


def nft_effects(rule: FilterRule, place: Place) -> Iterator[Effect]:
    """What `rule` does to the packet at `place`; nothing where it does not match."""
    table = rule.family, rule.table
    depends_on = ""
    for expression in rule.expressions:
        if not isinstance(expression, dict) or not expression:
            depends_on = depends_on or "a part of the rule that cannot be read"
            continue
        word, inside = next(iter(expression.items()))
        if word == "counter":
            if _count(inside, place, table) == 0:
                return  # it was read after the probe: no packet has ever come this far
            continue
        holds, needs = condition(word, inside, place, table)
        if holds is False:
            return
        if holds is None:
            depends_on = depends_on or needs
        if word in VERDICTS or word == "vmap":
            yield from _verdicts(word, inside, place, table, depends_on)
        elif word in NAT:
            yield from nat_effects(word, inside, place, table, depends_on)
        elif word not in ("match", *HARMLESS):
            yield from _changes(word, inside, place, table, depends_on)


def _count(inside: Any, place: Place, table: Table) -> int | None:
    """Packets of a counter, which may be a named one."""
    if isinstance(inside, str):
        inside = place.sets.get((*table, inside))
    packets = inside.get("packets") if isinstance(inside, dict) else None
    return packets if isinstance(packets, int) else None


def _verdicts(word: str, inside: Any, place: Place, table: Table, depends_on: str) -> Iterator[Effect]:
    if word != "vmap":
        yield verdict(word, inside, place, sure=not depends_on, depends_on=depends_on)
        return
    value, kinds = read_field(inside["key"], place, table)
    for data, certain in looked_up(value, inside["data"], kinds, place, table):
        (kind, target), *_ = data.items() if isinstance(data, dict) else ((str(data), None),)
        needs = depends_on or ("" if certain else what_it_needs({"left": inside["key"]}))
        yield verdict(kind, target, place, sure=not needs, depends_on=needs)


def verdict(word: str, inside: Any, place: Place, *, sure: bool, depends_on: str) -> Effect:
    """The effect of one verdict statement."""
    target, bypass = "", False
    if word in ("jump", "goto"):
        target = inside["target"]
    elif word == "reject":
        target = _reject(inside or {}, place)
    elif word == "queue":
        target, bypass = _queues(inside or {})
    return Effect(kind=word, sure=sure, depends_on=depends_on, target=target, bypass=bypass)


def _reject(inside: Any, place: Place) -> str:
    """`tcp reset`, or the ICMP type's own name; icmpx stands for the one of either family."""
    kind, code = inside.get("type"), inside.get("expr", "port-unreachable")
    if kind == "tcp reset":
        return "tcp reset"
    family = {"icmp": "icmp", "icmpv6": "icmpv6"}.get(kind or "", "icmp" if place.packet.family == 4 else "icmpv6")
    if kind in (None, "icmpx") and family == "icmp":
        code = {"no-route": "net-unreachable", "host-unreachable": "host-unreachable"}.get(code, code)
    if kind in (None, "icmpx") and family == "icmpv6":
        code = {"host-unreachable": "addr-unreachable"}.get(code, code)
    return f"{family} {code}"


def _queues(inside: Any) -> tuple[str, bool]:
    flags = inside.get("flags", ())
    flags = (flags,) if isinstance(flags, str) else flags
    number = inside.get("num", 0)
    if isinstance(number, dict):
        number = "-".join(map(str, number["range"])) if "range" in number else "computed"
    return str(number), "bypass" in flags


def _changes(word: str, inside: Any, place: Place, table: Table, depends_on: str) -> Iterator[Effect]:
    sure = not depends_on
    if word == "notrack":
        yield Effect(kind="notrack", sure=sure, depends_on=depends_on)
    elif word == "mangle":
        yield from _mangle(inside, place, table, depends_on)
    elif word == "tproxy":
        target = f"{inside.get('addr') or ''}:{inside.get('port') or ''}"
        yield Effect(kind="tproxy", sure=sure, depends_on=depends_on, target=target)
    elif word == "synproxy":
        yield Effect(kind="synproxy", sure=sure, depends_on=depends_on)
    elif word == "fwd":
        yield Effect(kind="stolen", sure=sure, depends_on=depends_on, target=str(inside.get("dev", "")))
    elif word == "xt" and inside and inside.get("type") == "target":
        yield Effect(kind="stolen", sure=False, depends_on="an iptables target that could not be read")


def _mangle(inside: Any, place: Place, table: Table, depends_on: str) -> Iterator[Effect]:
    word, key = next(iter(inside["key"].items()))
    value, _ = read_field(inside["value"], place, table)
    known = value.low if isinstance(value, Span) and value.exact else None
    sure = not depends_on
    if (word, key.get("key")) in (("meta", "mark"), ("ct", "mark")):
        kind = "mark" if word == "meta" else "connmark"
        yield Effect(kind=kind, sure=sure, depends_on=depends_on, value=known)
    elif word == "payload" and key.get("field") in REWRITES:
        field = REWRITES[key["field"]]
        target = str(inside["value"]) if isinstance(inside["value"], (str, int)) else "something computed"
        yield Effect(kind="rewrite", sure=sure, depends_on=depends_on, field=field, target=target)
