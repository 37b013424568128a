"""The packet filter as a whole: nftables, the iptables words inside it, the old iptables beside it, NFQUEUE readers."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopdiag.host.linux import nft
from loopdiag.host.linux.iptables import PREFIX, ask_save, parse_save, read_legacy
from loopdiag.host.linux.netlink import because
from loopdiag.model.packetfilter import Chain, FilterRule, QueueReader, Ruleset
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WHAT = "packet filter rules"
RIGHT = "reading them needs CAP_NET_ADMIN"
QUEUES = "proc/thread-self/net/netfilter/nfnetlink_queue"

Sets = dict[tuple[str, str, str], Any]


def read_ruleset(root: Path = Path("/")) -> Ruleset | Unknown:
    """All rules of this network namespace with their counters; an Unknown where none of them could be read."""
    chains, sets, unread = _nftables()
    legacy, unread_legacy = read_legacy(root)
    if unread and unread_legacy and not chains and not legacy:
        because_ = {gap.because for gap in (*unread, *unread_legacy)}
        return Unknown(WHAT, RIGHT if RIGHT in because_ else "; ".join(sorted(because_)))
    return Ruleset(chains=(*chains, *legacy), sets=sets, unread=(*unread, *unread_legacy), queues=_queues(root))


def _nftables() -> tuple[tuple[Chain, ...], Sets, tuple[Unknown, ...]]:
    try:
        tables = nft.read_tables()
    except OSError as fault:
        if fault.errno in (errno.EINVAL, errno.EOPNOTSUPP):
            return (), {}, ()  # a kernel without nf_tables
        return (), {}, (Unknown(nft.WHAT, RIGHT if fault.errno == errno.EPERM else because(fault)),)
    except (ValueError, LookupError):
        return (), {}, (Unknown(nft.WHAT, "the kernel's answer could not be understood"),)
    if not tables:
        return (), {}, ()
    listed = nft.list_ruleset()
    if isinstance(listed, Unknown):
        return _without_nft(tables, listed)
    try:
        chains, sets = nft.parse_ruleset(*listed, tables)
    except (ValueError, LookupError, TypeError, AttributeError):
        return (), {}, (Unknown(nft.WHAT, "nft printed something that is not its JSON"),)
    chains, unread = _with_words(chains)
    return chains, sets, unread


def _without_nft(
    tables: Iterable[tuple[str, str]], why: Unknown
) -> tuple[tuple[Chain, ...], Sets, tuple[Unknown, ...]]:
    """Where nft is missing, iptables can still read the tables that it made itself."""
    chains: tuple[Chain, ...] = ()
    for family in sorted({family for family, _ in tables} & PREFIX.keys()):
        saved = ask_save(nft.WHAT, family, "nft")
        if isinstance(saved, str):
            chains += parse_save(saved, f"{PREFIX[family]}-nft", family)
    read = {(chain.family, chain.table) for chain in chains}
    left = ", ".join(f"{family} {name}" for family, name in tables if (family, name) not in read)
    return chains, {}, (Unknown(f"nftables tables {left}", why.because),) if left else ()


def _with_words(chains: Sequence[Chain]) -> tuple[tuple[Chain, ...], tuple[Unknown, ...]]:
    """The chains, with iptables' own words for the rules of tables whose details nft cannot print."""
    opaque = {(chain.family, chain.table) for chain in chains if any(map(_is_opaque, chain.rules))}
    words: dict[tuple[str, str, str], Chain] = {}
    unread: list[Unknown] = []
    for family in sorted({family for family, _ in opaque}):
        what = f"packet filter rules ({PREFIX.get(family, family)}-nft)"
        saved = ask_save(what, family, "nft") if family in PREFIX else Unknown(what, "loopdiag cannot read these")
        if isinstance(saved, Unknown):
            unread.append(saved)
            continue
        tool = f"{PREFIX[family]}-nft"
        words |= {(family, chain.table, chain.name): chain for chain in parse_save(saved, tool, family)}
    return tuple(_worded(chain, words) if (chain.family, chain.table) in opaque else chain for chain in chains), tuple(
        unread
    )


def _is_opaque(rule: FilterRule) -> bool:
    return any(isinstance(part, dict) and "xt" in part for part in rule.expressions)


def _worded(chain: Chain, words: Mapping[tuple[str, str, str], Chain]) -> Chain:
    told = words.get((chain.family, chain.table, chain.name))
    if told is None or len(told.rules) != len(chain.rules):
        return chain
    rules = tuple(
        replace(worded, handle=rule.handle, packets=rule.packets if worded.packets is None else worded.packets)
        for rule, worded in zip(chain.rules, told.rules, strict=True)
    )
    return replace(chain, tool=told.tool, rules=rules, policy_packets=told.policy_packets)


def _queues(root: Path) -> tuple[QueueReader, ...] | Unknown:
    """Lines of nfnetlink_queue: number, port id, waiting, copy mode, range, dropped, dropped for the user, id, 1."""
    try:
        lines = (root / QUEUES).read_text().splitlines()
    except FileNotFoundError:
        return ()  # a kernel without NFQUEUE: nobody can read one
    except OSError as fault:
        return Unknown("readers of packet queues", f"/{QUEUES} cannot be read ({fault.strerror}): ask as root")
    found = [[int(word) for word in line.split() if word.isdecimal()] for line in lines]
    return tuple(QueueReader(number=one[0], waiting=one[2], dropped=one[5] + one[6]) for one in found if len(one) > 6)
