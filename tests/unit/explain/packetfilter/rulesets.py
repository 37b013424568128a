"""Rulesets for tests, written down as nft's JSON and iptables' words have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.model.packetfilter import Chain, FilterRule, Packet, Ruleset

if TYPE_CHECKING:
    from collections.abc import Mapping

SYN = Packet(family=4, protocol="tcp", name="SYN", source="127.0.0.1", destination="127.0.0.1", source_port=40000,
             destination_port=80, tcp_flags=frozenset({"syn"}), uid=1000, gid=1000, length=60)  # fmt: skip
SYN_ACK = Packet(family=4, protocol="tcp", name="SYN-ACK", source="", destination="", answer=True,
                 state="established", tcp_flags=frozenset({"syn", "ack"}), uid=0, gid=0, length=60)  # fmt: skip

DROP: dict[str, Any] = {"drop": None}
ACCEPT: dict[str, Any] = {"accept": None}


def dport(port: object, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": port}}


def match(left: dict[str, Any], right: object, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def counter(packets: int) -> dict[str, Any]:
    return {"counter": {"packets": packets, "bytes": packets * 60}}


def chain(
    *rules: list[dict[str, Any]], name: str = "c", hook: str | None = "input", priority: int = 0,
    policy: str = "accept", kind: str = "filter", family: str = "inet",
) -> Chain:  # fmt: skip
    made = tuple(
        FilterRule(tool="nft", family=family, table="t", chain=name, handle=at, position=at, text=f"rule {at}",
                   expressions=tuple(rule))
        for at, rule in enumerate(rules, 1)
    )  # fmt: skip
    return Chain(tool="nft", family=family, table="t", name=name, rules=made, hook=hook, type=kind if hook else None,
                 priority=priority if hook else None, policy=policy if hook else None)  # fmt: skip


def words(*rules: str, name: str = "INPUT", table: str = "filter", packets: int | None = 1) -> Chain:
    made = tuple(
        FilterRule(tool="iptables-legacy", family="ip", table=table, chain=name, handle=None, position=at,
                   text=f"-A {name} {rule}", expressions=tuple(rule.split()), packets=packets)
        for at, rule in enumerate(rules, 1)
    )  # fmt: skip
    return Chain(tool="iptables-legacy", family="ip", table=table, name=name, rules=made, hook=name.lower(),
                 type="nat" if table == "nat" else "filter", priority=-100 if table == "nat" else 0,
                 policy="accept")  # fmt: skip


def ruleset(*chains: Chain, sets: Mapping[tuple[str, str, str], Any] | None = None) -> Ruleset:
    return Ruleset(chains=chains, sets=sets or {})
