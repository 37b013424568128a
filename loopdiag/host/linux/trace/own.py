"""Which of the machine's events belong to our own probe.

Tracepoints see every process in every namespace. Ours are those with a chain of causes that begins in our thread:

- what our thread does outside of softirqs;
- what happens to a packet that one of these sent, on whatever CPU, until it is freed;
- what a softirq does between taking such a packet in and taking the next one: the answer that it sends is ours too;
- a packet that another process sent, from where it arrives at our own socket: it wakes our thread, or changes the
  state of a connection of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopdiag.host.linux.trace.lines import Record

MARK = "tracing_mark_write"
_SENT, _TAKEN_IN, _IN = "net_dev_queue", "netif_receive_skb", ("netif_rx", "netif_receive_skb")
_FREED = ("kfree_skb", "consume_skb")
_WAKES = ("sched_waking", "sched_wakeup")


@dataclass(slots=True, eq=False)
class Packet:
    """One life of a buffer, from being sent to being freed. `cause` is the packet whose arrival made it."""

    cause: Packet | None
    claimed: bool
    taken_in: bool = False
    device: str | None = None

    @property
    def ours(self) -> bool:
        """Whether its chain of causes begins with us."""
        step: Packet | None = self
        while step is not None:
            if step.claimed:
                return True
            step = step.cause
        return False


@dataclass(frozen=True, slots=True)
class Own:
    """An event of ours. `packet` is the packet that it happens to, `cause` the one that the softirq works on."""

    record: Record
    packet: Packet | None
    cause: Packet | None


@dataclass(slots=True)
class _Tracker:
    thread: int
    connections: frozenset[frozenset[tuple[str, str]]]
    packets: dict[str, Packet] = field(default_factory=dict)
    working_on: dict[tuple[int, int, bool], Packet] = field(default_factory=dict)  # by CPU, thread, softirq or not

    def see(self, record: Record) -> Own:
        worker = (record.cpu, record.pid, record.softirq)
        if record.event in ("softirq_entry", "softirq_exit"):
            self.working_on.pop(worker, None)
        packet = self._packet(record, self.working_on.get(worker))
        if record.event == _TAKEN_IN and packet:
            self.working_on[worker] = packet
        cause = self.working_on.get(worker)
        if cause and self._reaches_us(record):
            cause.claimed = True
        return Own(record, packet, cause)

    def _packet(self, record: Record, cause: Packet | None) -> Packet | None:
        address = record.packet
        if address is None:
            return None
        packet = self.packets.get(address)
        if self._begins(record, packet):
            packet = self.packets[address] = Packet(cause, self._by_us(record))
        if packet and record.device:
            packet.device = record.device
        if packet and record.event in _IN:
            packet.taken_in = True
        if record.event in _FREED:
            self.packets.pop(address, None)
        return packet

    def _begins(self, record: Record, packet: Packet | None) -> bool:
        """A packet that is queued again before it was taken in passes on to a device below (bridge, VLAN)."""
        if record.event == _SENT:
            return packet is None or packet.taken_in
        return packet is None and record.event != "consume_skb"

    def _by_us(self, record: Record) -> bool:
        return record.pid == self.thread and not record.softirq

    def _reaches_us(self, record: Record) -> bool:
        if record.event in _WAKES:
            return record.fields.get("pid") == str(self.thread)
        return record.ports in self.connections


def own(records: Iterable[Record], begin: str) -> list[Own]:
    """The events of the thread that wrote the mark `begin`, and what they caused, from that mark on."""
    records = list(records)
    start = next((at for at, one in enumerate(records) if one.event == MARK and one.text == begin), None)
    if start is None:
        return []
    thread = records[start].pid
    after = [one for one in records[start + 1 :] if one.event != MARK]
    mine = (one.ports for one in after if one.pid == thread and not one.softirq)
    tracker = _Tracker(thread, frozenset(ports for ports in mine if ports))
    return [seen for seen in [tracker.see(one) for one in after] if _belongs(seen, tracker)]


def _belongs(seen: Own, tracker: _Tracker) -> bool:
    if seen.packet is not None:
        return seen.packet.ours
    if seen.record.packet is not None:
        return False  # a buffer that was in use before we began
    if seen.record.softirq or seen.cause:
        return (seen.cause is not None and seen.cause.ours) or seen.record.ports in tracker.connections
    return seen.record.pid == tracker.thread or seen.record.ports in tracker.connections
