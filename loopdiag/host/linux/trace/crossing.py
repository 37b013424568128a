"""Events of our own -> which devices the packets crossed, who took them in, and where the time went."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from loopdiag.model.journey import Crossing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopdiag.host.linux.trace.own import Own, Packet

_FIB_DEVICE = re.compile(r"==> dev (\S+) gw .* err 0$")
_AFTER = {"net_dev_queue": "device", "netif_rx": "queue", "netif_receive_skb": "receiving"}


def crossing(mine: Sequence[Own], softnet: Mapping[str, int] | None = None) -> Crossing:
    """What one probe's own events say of its way."""
    return Crossing(
        packets=_packets(mine), route_devices=_route_devices(mine), taken_in=_taken_in(mine), seconds=_seconds(mine),
        softnet=softnet,
    )  # fmt: skip


def _packets(mine: Sequence[Own]) -> dict[str, int]:
    counted = {(seen.packet, seen.record.device) for seen in mine if seen.record.event == "net_dev_queue"}
    return dict(sorted(Counter(device for _, device in counted if device).items()))


def _route_devices(mine: Sequence[Own]) -> tuple[str, ...]:
    found = (_FIB_DEVICE.search(seen.record.text) for seen in mine if "fib" in seen.record.event)
    return tuple(dict.fromkeys(one[1] for one in found if one))


def _taken_in(mine: Sequence[Own]) -> dict[str, int]:
    senders = {seen.packet: seen.record.pid for seen in mine if seen.record.event == "net_dev_queue"}
    who: Counter[str] = Counter()
    for seen in mine:
        if seen.record.event == "netif_receive_skb":
            if (seen.record.task or "").startswith("ksoftirqd/"):
                who["ksoftirqd"] += 1
            else:
                who["sender" if senders.get(seen.packet) == seen.record.pid else "other"] += 1
    return {name: who[name] for name in ("sender", "ksoftirqd", "other")}


def _seconds(mine: Sequence[Own]) -> dict[str, float]:
    """Each part lasts from its event to the packet's next part; receiving ends with the last event that it causes."""
    parts = dict.fromkeys(("sending", "device", "queue", "receiving"), 0.0)
    since: dict[Packet, tuple[str, float]] = {}
    began = mine[0].record.at if mine else 0.0
    for seen in mine:
        part = _AFTER.get(seen.record.event)
        if part and seen.packet:
            if not since:
                parts["sending"] = seen.record.at - began
            last, at = since.get(seen.packet, (None, 0.0))
            if last and last != "receiving":
                parts[last] += seen.record.at - at
            since[seen.packet] = (part, seen.record.at)
    for packet, (part, at) in since.items():
        if part == "receiving":
            parts[part] += max((seen.record.at for seen in mine if seen.cause is packet), default=at) - at
    return {name: round(value, 6) for name, value in parts.items()}
