"""How a rule of the packet filter is named, shown and taken away."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from loopdiag.model.finding import Evidence, Fix

if TYPE_CHECKING:
    from loopdiag.model.packetfilter import FilterPath, FilterStep, Packet

HOOKS = {
    "output": "on its way out (output hook)",
    "postrouting": "on its way out (postrouting hook)",
    "egress": "on its way out (egress hook)",
    "ingress": "on its way in (ingress hook)",
    "prerouting": "on its way in (prerouting hook)",
    "input": "on its way in (input hook)",
}
MOST_TEXT = 160  # characters of a rule that a sentence shows


def named(step: FilterStep) -> str:
    """`rule 4 of chain arriving in table inet wall (handle 4)`, or the policy of that chain."""
    chain = step.chain
    if chain.tool == "nft":
        where = f"chain {chain.name} in table {chain.family} {chain.table}"
    else:
        where = f"chain {chain.name} in table {chain.table} of {chain.tool}"
    if step.rule is None:
        return f"the policy of {where}"
    rule = step.rule
    if rule.chain != chain.name:
        where = where.replace(f"chain {chain.name} ", f"chain {rule.chain} ", 1)
    handle = f" (handle {rule.handle})" if rule.handle is not None else ""
    return f"rule {rule.position} of {where}{handle}"


def text(step: FilterStep) -> str:
    """The rule as its tool writes it, cut where it is very long."""
    written = f"policy {step.chain.policy}" if step.rule is None else step.rule.text
    return written if len(written) <= MOST_TEXT else f"{written[:MOST_TEXT]}..."


def shown(step: FilterStep) -> Evidence:
    """The rule as evidence, with its counter."""
    packets = step.chain.policy_packets if step.rule is None else step.rule.packets
    counted = "" if packets is None else f" (matched {packets} packet{'' if packets == 1 else 's'} so far)"
    maybe = f"; it depends on {step.depends_on}" if step.depends_on else ""
    return Evidence(named(step), f"{text(step)}{counted}{maybe}")


def undecided(path: FilterPath) -> tuple[Evidence, ...]:
    """The rules ahead that would have let the packet pass, depending on what cannot be known from outside."""
    return tuple(shown(step) for step in path.steps if step.action == "undecided")[:2]


def packet(one: Packet, of: str) -> str:
    """`the SYN to 127.0.0.1:80`, `the answer (SYN-ACK) of 127.0.0.1:80`."""
    return f"the answer ({one.name}) of {of}" if one.answer else f"the {one.name} to {of}"


def removal(step: FilterStep) -> Fix:
    """The command that takes the rule away, or lets loopback pass a policy."""
    chain, rule = step.chain, step.rule
    if rule is None:
        return _past_policy(step)
    if rule.handle is not None and not chain.tool.endswith("legacy"):
        words = ["nft", "delete", "rule", rule.family, rule.table, rule.chain, "handle", str(rule.handle)]
    else:
        words = [chain.tool, "-t", rule.table, "-D", rule.chain, str(rule.position)]
    return Fix("remove the rule, or let this port pass ahead of it", shlex.join(words))


def _past_policy(step: FilterStep) -> Fix:
    chain = step.chain
    side = "oif" if step.hook in ("output", "postrouting", "egress") else "iif"
    if chain.tool == "nft":
        words = ["nft", "insert", "rule", chain.family, chain.table, chain.name, side, "lo", "accept"]
    else:
        words = [chain.tool, "-t", chain.table, "-I", chain.name, "-o" if side == "oif" else "-i", "lo", "-j", "ACCEPT"]
    return Fix("let everything on lo pass", shlex.join(words))
