"""The order in which base chains see a packet: linux/netfilter.h, nft(8), nf_hook_entries_grow() of the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.packetfilter import Chain, Ruleset

CONNTRACK = -200  # NF_IP_PRI_CONNTRACK: where a packet that this host sends gets its connection
# NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC: all nat chains of a hook run there, in the order of their own priorities
NAT = {"prerouting": -100, "output": -100, "postrouting": 100, "input": 100}
DEVICE_HOOKS = ("ingress", "egress")

SENT = ("output", "postrouting", "egress")
RECEIVED = ("ingress", "prerouting", "input")


def base_chains(ruleset: Ruleset, hook: str, family: int, device: str | None) -> list[Chain]:
    """The base chains of `hook` for this IP version, in the kernel's order; of one device where the hook has devices.

    Of chains with the same priority the one that was added last comes first.
    """
    families = ("inet", "ip" if family == 4 else "ip6", *(("netdev",) if hook in DEVICE_HOOKS else ()))
    found = [
        chain
        for chain in reversed(ruleset.chains)
        if chain.hook == hook
        and chain.family in families
        and (hook not in DEVICE_HOOKS or device is None or device in chain.devices)
    ]
    return sorted(found, key=lambda chain: chain.priority or 0)


# What makes the kernel track connections; without one of these, nat chains see no packet.
_TRACKING = {"ct", "ct count", "dnat", "snat", "redirect", "masquerade", "synproxy", "conntrack", "state", "connmark",
             "connlimit", "DNAT", "SNAT", "REDIRECT", "MASQUERADE", "NETMAP", "CT", "CONNMARK"}  # fmt: skip


def tracks(ruleset: Ruleset) -> bool:
    """Some rule needs conntrack, so that it is at work in this network namespace."""
    return any(
        word in _TRACKING for chain in ruleset.chains for rule in chain.rules for word in _words(rule.expressions)
    )


def _words(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield str(key)
            yield from _words(value)
    elif isinstance(part, (list, tuple)):
        for one in part:
            yield from _words(one)
    elif isinstance(part, str):
        yield part
