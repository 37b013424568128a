"""Where a journey ends, in one sentence: what the kernel gave as its reason, or that it gave none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.dropreason import meaning

if TYPE_CHECKING:
    from loopdiag.model.journey import Event, Journey
    from loopdiag.model.observation import Observation

_GOOD = {"tcp-connect": "the connection was made", "icmp-echo": "the reply came back", "udp": "an answer came back"}


def ending(journey: Journey, seen: Observation) -> str:
    """How the journey of the attempt `seen` ends."""
    if seen.outcome.good:
        return f"{_GOOD.get(seen.kind, 'it was answered')}{_over(journey)}"
    drop = next(iter(journey.drops), None)
    if drop:
        return _dropped(drop, journey, answered=seen.errno is not None)
    if any(step.event == "neigh_event_send_done" for step in journey.events):
        return "it waits for a neighbour's link address, which nobody on the link answered (ARP, neighbour discovery)"
    if not journey.crossing.packets:
        return f"no packet was queued on a device{f': the call failed with {seen.errno}' if seen.errno else ''}"
    if seen.errno:
        return f"an answer came back, and the socket was told {seen.errno}"
    return _silent(journey)


def _over(journey: Journey) -> str:
    devices = " and ".join(journey.crossing.packets)
    return f" over {devices} alone" if len(journey.crossing.packets) == 1 else f" over {devices}" if devices else ""


def _dropped(drop: Event, journey: Journey, *, answered: bool) -> str:
    where = f"in {drop.place}" if drop.place else "in the kernel"
    said = f"it ends {where}: {meaning(drop.reason)}"
    if drop.reason:
        said += f" ({drop.reason})"
    answer = _answered(drop, journey) if answered else ""
    return f"{said}; {answer}" if answer else said


def _answered(drop: Event, journey: Journey) -> str:
    """A drop that answers is a refusal: who made the answer, and which kind it is."""
    if any(step.event == "tcp_send_reset" for step in journey.events):
        return "TCP of this host answered with a reset"
    if any(step.event == "icmp_send" for step in journey.events):
        return "an ICMP error was sent back"
    received = {step.packet for step in journey.events if step.event == "netif_receive_skb"} - {drop.packet}
    if not received:
        return ""
    if drop.reason == "NETFILTER_DROP":
        return "the rule itself sent an answer back"
    place = drop.place or ""
    if place.startswith("tcp_v") and any(step.event == "tcp_receive_reset" for step in journey.events):
        return "TCP of this host answered with a reset"  # older kernels trace no reset that no socket sends
    return "an ICMP error was sent back" if drop.reason == "NO_SOCKET" or place.startswith("__udp") else ""


def _silent(journey: Journey) -> str:
    used = [step for step in journey.events if step.event == "consume_skb" and step.place]
    if used:
        return (f"it ends in {used[-1].place}: the packet was taken in there and nothing was sent back; the kernel "
                "gives no reason here")  # fmt: skip
    last = next((step for step in reversed(journey.events) if step.packet is not None), None)
    if last and last.event in ("net_dev_queue", "net_dev_start_xmit", "qdisc_enqueue"):
        return f"it was handed to {last.device} and did not come back; the kernel gives no reason here"
    return "the packet was delivered, and nothing came back; the kernel gives no reason here"
