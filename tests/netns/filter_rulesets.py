"""The rulesets of filter_rulesets.toml as shell scripts, and the targets that are asked under every one."""

from __future__ import annotations

import tomllib
from pathlib import Path

TARGETS = (
    "tcp://127.0.0.1:8080", "tcp://127.0.0.2:9090", "tcp://10.9.0.1:8080", "tcp://[::1]:8080", "tcp://127.0.0.1:7070",
    "udp://127.0.0.1:8080", "udp://[::1]:9090", "icmp://127.0.0.1", "icmp://::1",
)  # fmt: skip
# What iptables-nft keeps as its own; the rest it makes native nftables expressions of.
NFT_OWN = ("multiport", "conntrack", "state", "comment", "mark", "limit", "redirect", "nfqueue", "reject", "length",
           "addrtype", "iprange", "dnat", "ttl", "goto", "notrack")  # fmt: skip
SIX = ("drop", "reject", "multiport", "conntrack", "redirect", "nfqueue", "user-chain", "masquerade")
NAMES = {"iptables-legacy": "ip_tables_names", "ip6tables-legacy": "ip6_tables_names"}

_FILE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
_FOUR = {**_FILE["iptables"], **_FILE["ipv4"]}


def _words(program: str, rules: str) -> str:
    return "\n".join(f"{program} {rule}" for rule in rules.strip().splitlines())


RULESETS: dict[str, str] = {
    "none": "true",
    **{name: f"nft -f - <<'END'\n{text}\nEND" for name, text in _FILE["nft"].items()},
    **{f"iptables-legacy-{name}": _words("iptables-legacy", rules) for name, rules in _FOUR.items()},
    **{f"iptables-nft-{name}": _words("iptables-nft", _FOUR[name]) for name in NFT_OWN},
    **{f"ip6tables-legacy-{name}": _words("ip6tables-legacy", _FILE["iptables"][name]) for name in SIX},
    **{f"ip6tables-legacy-{name}": _words("ip6tables-legacy", rules) for name, rules in _FILE["ipv6"].items()},
    **{f"{program}-policy": _words(program, "-P INPUT DROP\n-A INPUT -p udp -j ACCEPT")
       for program in ("iptables-legacy", "iptables-nft")},
    "both-kinds": _words("iptables-legacy", "-A INPUT -p tcp --dport 8080 -j DROP")
    + "\n" + _words("iptables-nft", "-A INPUT -p tcp --dport 9090 -j DROP"),
}  # fmt: skip


def reset() -> str:
    """The script that takes away what the ruleset before has left."""
    return "\n".join(["nft flush ruleset", *(_reset_legacy(program, names) for program, names in NAMES.items())])


def _reset_legacy(program: str, names: str) -> str:
    return (
        f"for table in $(cat /proc/thread-self/net/{names}); do {program} -t $table -F; {program} -t $table -X; "
        f"for chain in INPUT OUTPUT; do {program} -t $table -P $chain ACCEPT 2>/dev/null || true; done; done"
    )
