"""Events of our own -> the story of the probe, one step each, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.host.linux.trace.lines import PROTOCOLS
from loopdiag.host.linux.trace.words import WORDS
from loopdiag.model.journey import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopdiag.host.linux.trace.lines import Record
    from loopdiag.host.linux.trace.own import Own, Packet

# Steps that a short story leaves out: they say again, or less, what their neighbours say.
_DETAIL = frozenset({"softirq_raise", "softirq_exit", "consume_skb", "sock_send_length", "skb_copy_datagram_iovec"})


def tell(mine: Iterable[Own], task: str) -> tuple[Event, ...]:
    """The steps in order; packets are numbered as they appear. `task` is the name of our own thread."""
    mine = list(mine)
    if not mine:
        return ()
    names = {mine[0].record.pid: task}
    numbers: dict[Packet, int] = {}
    told = [_step(seen, mine[0].record.at, names, numbers) for seen in mine]
    return tuple(step for step in told if step)


def _step(seen: Own, began: float, names: dict[int, str], numbers: dict[Packet, int]) -> Event | None:
    record = seen.record
    words = WORDS.get(record.event)
    says = words(seen) if words else None
    if says is None:
        return None
    if seen.packet is not None:
        numbers.setdefault(seen.packet, len(numbers) + 1)
    freed = record.event in ("kfree_skb", "consume_skb")
    harmless = record.event == "kfree_skb" and record.ordinary
    return Event(
        event=record.event,
        at=round(record.at - began, 6),
        says=says,
        device=record.device or (seen.packet.device if seen.packet is not None else None),
        packet=numbers[seen.packet] if seen.packet is not None else None,
        context=_context(record),
        task=record.task or names.get(record.pid),
        cpu=record.cpu,
        reason=None if harmless else record.reason,
        place=record.place or None if freed else None,
        protocol=PROTOCOLS.get(record.fields.get("protocol", "")) if freed else None,
        detail=harmless or record.event in _DETAIL,
    )


def _context(record: Record) -> str:
    if (record.task or "").startswith("ksoftirqd/"):
        return "ksoftirqd"
    return "softirq" if record.softirq else "process"
