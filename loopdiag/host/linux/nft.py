"""nftables: which tables there are by netlink, what is in them by `nft -j list ruleset`. libnftables-json(5).

Where no table exists (most hosts), no program is run.
"""

from __future__ import annotations

import re
import struct
from dataclasses import field
from typing import TYPE_CHECKING, Any

from loopdiag.host.linux.netlink import NETFILTER, attributes, dump, text
from loopdiag.host.linux.programs import ask_programs, find_program
from loopdiag.model.packetfilter import Chain, FilterRule
from loopdiag.model.unknown import Unknown
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WHAT = "packet filter rules (nftables)"
NFT_MSG_GETTABLE = 10 << 8 | 1  # NFNL_SUBSYS_NFTABLES: linux/netfilter/nfnetlink.h
NFTA_TABLE_NAME, NFTA_TABLE_FLAGS, NFT_TABLE_F_DORMANT = 1, 2, 0x1  # linux/netfilter/nf_tables.h
FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}  # NFPROTO_*

_TABLE = re.compile(r"table (\w+) (\S+) \{")
_CHAIN = re.compile(r"chain (\S+) \{")
_DEVICES = re.compile(r'\bdevices? (?:= )?(\{[^}]*\}|"?[^\s"]+"?) priority')
_HANDLE = re.compile(r"\s*# handle (\d+)$")

Key = tuple[str, str, str, int]  # family, table, chain, handle of a rule


@dataclass(slots=True)
class Texts:
    """What only nft's own text tells: each rule as nft writes it, and the devices of netdev chains."""

    rules: dict[Key, str] = field(default_factory=dict)
    devices: dict[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)


def read_tables() -> dict[tuple[str, str], bool]:
    """The tables by (family, name), and whether each is active (a dormant one does nothing). Raises OSError."""
    found: dict[tuple[str, str], bool] = {}
    for message in dump(NETFILTER, NFT_MSG_GETTABLE, struct.pack("=BBH", 0, 0, 0)):
        parts = attributes(message, 4)
        flags = int.from_bytes(parts.get(NFTA_TABLE_FLAGS, b""), "big")
        found[FAMILIES.get(message[0], str(message[0])), text(parts[NFTA_TABLE_NAME])] = not flags & NFT_TABLE_F_DORMANT
    return found


def list_ruleset() -> tuple[str, str] | Unknown:
    """What `nft` says, as JSON and as text without counters."""
    program = find_program(("nft",))
    if program is None:
        return Unknown(WHAT, "the program nft is not there to read them: install nftables")
    told, written = ask_programs(WHAT, ([program, "-j", "list", "ruleset"], [program, "-a", "-s", "list", "ruleset"]))
    if isinstance(told, Unknown):
        return told
    return told, "" if isinstance(written, Unknown) else written


def parse_ruleset(
    told: str, written: str, tables: Mapping[tuple[str, str], bool]
) -> tuple[tuple[Chain, ...], dict[tuple[str, str, str], Any]]:
    """The chains and the named sets, maps and objects of active tables. Raises ValueError for garbage."""
    import json

    document = json.loads(told)
    if not isinstance(document, dict) or not isinstance(document.get("nftables"), list):
        raise ValueError("not the JSON of nft")  # noqa: TRY004 - the content is wrong, not a caller's type
    parts = [next(iter(part.items())) for part in document["nftables"] if isinstance(part, dict) and part]
    if not any(kind == "table" for kind, _ in parts):
        raise ValueError("none of the tables that there are")
    active = [(kind, value) for kind, value in parts if _is_active(value, tables)]
    texts = parse_texts(written)
    rules: dict[tuple[str, str, str], list[FilterRule]] = {}
    for kind, value in active:
        if kind == "rule":
            beside = rules.setdefault((value["family"], value["table"], value["chain"]), [])
            beside.append(_rule(value, len(beside) + 1, texts))
    chains = tuple(_chain(value, rules, texts) for kind, value in active if kind == "chain")
    sets = {
        (value["family"], value["table"], value["name"]): {"is": kind, **value}
        for kind, value in active
        if kind not in ("chain", "rule", "table") and "name" in value and "table" in value
    }
    return chains, sets


def _is_active(value: Any, tables: Mapping[tuple[str, str], bool]) -> bool:
    return isinstance(value, dict) and tables.get((value.get("family", ""), value.get("table", "")), True)


def _rule(value: Mapping[str, Any], position: int, texts: Texts) -> FilterRule:
    family, table, chain, handle = value["family"], value["table"], value["chain"], value["handle"]
    expressions = tuple(value.get("expr", ()))
    return FilterRule(
        tool="nft",
        family=family,
        table=table,
        chain=chain,
        handle=handle,
        position=position,
        text=texts.rules.get((family, table, chain, handle), ""),
        expressions=expressions,
        packets=_counted(expressions),
    )


def _counted(expressions: Iterable[Any]) -> int | None:
    for part in expressions:
        counter = part.get("counter") if isinstance(part, dict) else None
        if isinstance(counter, dict):
            return counter.get("packets")
    return None


def _chain(value: Mapping[str, Any], rules: Mapping[tuple[str, str, str], list[FilterRule]], texts: Texts) -> Chain:
    key = value["family"], value["table"], value["name"]
    told = value.get("dev", ())
    devices = (told,) if isinstance(told, str) else tuple(told)
    return Chain(
        tool="nft",
        family=value["family"],
        table=value["table"],
        name=value["name"],
        rules=tuple(rules.get(key, ())),
        hook=value.get("hook"),
        type=value.get("type"),
        priority=value["prio"] if isinstance(value.get("prio"), int) else None,
        policy=value.get("policy"),
        devices=devices or texts.devices.get(key, ()),
    )


def parse_texts(written: str) -> Texts:
    """Read `nft -a list ruleset`: a rule's text ends in its handle, and may take several lines."""
    texts = Texts()
    family = table = chain = ""
    pending: list[str] = []
    for raw in written.splitlines():
        line = raw.strip()
        if begun := _TABLE.match(line):
            family, table = begun.groups()
            chain = ""
        elif not pending and (begun := _CHAIN.match(line)):
            chain, pending = begun[1], []
        elif chain and not pending and line.startswith("type ") and " hook " in line:
            if devices := _DEVICES.search(line):
                names = devices[1].strip("{} ").split(",")
                texts.devices[family, table, chain] = tuple(name.strip().strip('"') for name in names)
        elif chain and line:
            if line == "}" and not pending:
                chain = ""
                continue
            pending.append(line)
            if ended := _HANDLE.search(line):
                texts.rules[family, table, chain, int(ended[1])] = _HANDLE.sub("", " ".join(pending))
                pending = []
    return texts
