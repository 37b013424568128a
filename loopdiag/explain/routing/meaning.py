"""What a route answer means, in a sentence that a newcomer can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.own import is_loopback
from loopdiag.model.routed import LOOPBACK_FOR

if TYPE_CHECKING:
    from loopdiag.model.route import RouteAnswer


def meaning(answer: RouteAnswer, typed: str | None = None) -> str:
    """`typed` is the address as it was typed, where the kernel takes another one for it."""
    taken = ""
    if typed in LOOPBACK_FOR:
        taken = f"{typed} is no destination: Linux takes it for {answer.destination}, other systems refuse it. "
    if answer.errno:
        return taken + _refused(answer)
    says = {"local": _local, "anycast": _local, "broadcast": _broadcast, "multicast": _multicast}
    return taken + says.get(answer.type or "", _unicast)(answer)


def _local(answer: RouteAnswer) -> str:
    here = f"{answer.destination} is this host itself"
    covers = f"table {answer.table or 'local'} has the local route {answer.matched or answer.destination}"
    if is_loopback(answer.destination):
        return f"{here}: {covers}, so its packets are handed to {answer.through or 'lo'} and never leave the host"
    if answer.device and answer.through and answer.device != answer.through:
        return (
            f"{here}: {covers}, which names {answer.device} because the address is on it; its packets cross "
            f"{answer.through} all the same, and never reach the wire"
        )
    return f"{here}: {covers}, so its packets cross {answer.through or 'lo'} and never leave the host"


def _broadcast(answer: RouteAnswer) -> str:
    return f"{answer.destination} is the broadcast address of {answer.device}: it reaches every host there, and no TCP"


def _multicast(answer: RouteAnswer) -> str:
    return f"{answer.destination} is a multicast group: its packets go to those who joined it on {answer.device}"


def _unicast(answer: RouteAnswer) -> str:
    by = f"packets to {answer.destination} leave this host by {answer.device}"
    hop = f", to the gateway {answer.gateway}" if answer.gateway else ", straight to the link behind it"
    source = f", with {answer.source} as their source" if answer.source else ""
    return f"{by}{hop}{source}: it is another host's address, as far as the tables say"


def _refused(answer: RouteAnswer) -> str:
    if answer.rule_rejects and answer.rule:
        return f'the policy rule "{answer.rule.text}" rejects packets to {answer.destination} ({answer.errno})'
    if answer.type in ("blackhole", "unreachable", "prohibit"):
        return (
            f"the {answer.type} route {answer.matched} of table {answer.table} rejects packets to "
            f"{answer.destination} ({answer.errno})"
        )
    if answer.input_device:
        return (
            f"the kernel would not take in a packet to {answer.destination} from {answer.asked_from or 'nowhere'} that "
            f"comes in by {answer.input_device} ({answer.errno})"
        )
    if answer.errno == "ENETUNREACH" and not answer.asked_from:
        return f"no rule and no table has a route for {answer.destination} (ENETUNREACH)"
    source = f" from {answer.asked_from}" if answer.asked_from else ""
    return f"the kernel refuses to route packets to {answer.destination}{source} ({answer.errno})"
