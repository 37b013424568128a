"""iptables, both kinds: the words of `iptables-legacy-save -c` and `iptables-nft-save -c`. iptables-save(8)."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.host.linux.programs import ask_programs, find_program
from loopdiag.model.packetfilter import Chain, FilterRule
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

# linux/netfilter_ipv4.h: where the built-in chains of each table sit among the others of their hook.
PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
NAT_PRIORITIES = {"prerouting": -100, "output": -100, "postrouting": 100, "input": 100}
HOOKS = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}
NAMES = {"ip": "proc/thread-self/net/ip_tables_names", "ip6": "proc/thread-self/net/ip6_tables_names"}
PREFIX = {"ip": "iptables", "ip6": "ip6tables"}

_CHAIN = re.compile(r":(\S+) (\S+) \[(\d+):\d+\]")
_RULE = re.compile(r"(?:\[(\d+):\d+\] )?-A (\S+) ?(.*)")


def read_legacy(root: Path = Path("/")) -> tuple[tuple[Chain, ...], tuple[Unknown, ...]]:
    """The chains of the tables that the old kernel interface holds, which nft does not show; and what stayed unread."""
    chains: tuple[Chain, ...] = ()
    unread: list[Unknown] = []
    for family, path in NAMES.items():
        what = f"packet filter rules ({PREFIX[family]}-legacy)"
        tables = _tables(what, root / path)
        if isinstance(tables, Unknown):
            unread.append(tables)
        elif tables:
            saved = ask_save(what, family, "legacy")
            if isinstance(saved, Unknown):
                unread.append(saved)
            else:
                chains += parse_save(saved, f"{PREFIX[family]}-legacy", family)
    return chains, tuple(unread)


def _tables(what: str, path: Path) -> list[str] | Unknown:
    try:
        return path.read_text().split()
    except FileNotFoundError:
        return []  # a kernel without the old tables
    except PermissionError:
        return Unknown(what, "reading them needs CAP_NET_ADMIN")
    except OSError as fault:
        return Unknown(what, f"{path} cannot be read: {fault.strerror}")


def ask_save(what: str, family: str, kind: str) -> str | Unknown:
    """What `iptables-legacy-save -c` (`kind` legacy) or `iptables-nft-save -c` (nft) prints, for `ip` or `ip6`."""
    prefix = PREFIX[family]
    program = find_program((f"{prefix}-{kind}-save",))
    words = [program, "-c"] if program else []
    if not words and (multi := find_program((f"xtables-{kind}-multi",))):
        words = [multi, f"{prefix}-save", "-c"]
    if not words and (plain := find_program((f"{prefix}-save",))):
        # Without the suffix it is either kind: its version tells which.
        (version,) = ask_programs(what, ([plain, "--version"],))
        if isinstance(version, str) and ("nf_tables" in version) == (kind == "nft"):
            words = [plain, "-c"]
    if not words:
        return Unknown(what, f"the program {prefix}-{kind}-save is not there to read them: install iptables")
    return ask_programs(what, (words,))[0]


def parse_save(saved: str, tool: str, family: str) -> tuple[Chain, ...]:
    """The chains of iptables-save's output; lines that cannot be understood are left out."""
    table = ""
    heads: list[tuple[str, str, str, int]] = []
    rules: dict[tuple[str, str], list[FilterRule]] = {}
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif head := _CHAIN.match(line):
            heads.append((table, head[1], head[2], int(head[3])))
        elif found := _RULE.match(line):
            beside = rules.setdefault((table, found[2]), [])
            packets = int(found[1]) if found[1] else None
            beside.append(_rule(tool, family, table, found[2], len(beside) + 1, found[3], packets))
    return tuple(_chain(tool, family, *head, rules.get(head[:2], ())) for head in heads)


def _rule(tool: str, family: str, table: str, chain: str, position: int, words: str, packets: int | None) -> FilterRule:
    return FilterRule(
        tool=tool,
        family=family,
        table=table,
        chain=chain,
        handle=None,
        position=position,
        text=f"-A {chain} {words}".strip(),
        expressions=_words(words),
        packets=packets,
    )


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())


def _chain(
    tool: str, family: str, table: str, name: str, policy: str, packets: int, rules: Iterable[FilterRule]
) -> Chain:
    hook = name.lower() if name in HOOKS and policy != "-" else None
    priority = NAT_PRIORITIES.get(hook or "") if table == "nat" else PRIORITIES.get(table)
    return Chain(
        tool=tool,
        family=family,
        table=table,
        name=name,
        rules=tuple(rules),
        hook=hook,
        type=None if hook is None else "nat" if table == "nat" else "filter",
        priority=None if hook is None else priority,
        policy=policy.lower() if hook else None,
        policy_packets=packets if hook else None,
    )
