"""Which of the machine's events belong to our own probe.

Tracepoints see every process in every namespace. Ours are those with a chain of causes that begins in our thread:

- what our thread does outside of softirqs;
- what happens to a packet that one of these sent, on whatever CPU, until it is freed;
- what a softirq does between taking such a packet in and taking the next one: the answer that it sends is ours too;
- a packet that another process sent, from where it arrives at our own socket: it wakes our thread, or changes the
  state of a connection of ours.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopdiag.host.linux.trace.lines import Record

MARK = "tracing_mark_write"
_SENT, _TAKEN_IN, _IN = "net_dev_queue", "netif_receive_skb", ("netif_rx", "netif_receive_skb")
_FREED = ("kfree_skb", "consume_skb")
_USES = ("consume_skb", "skb_copy_datagram_iovec")  # may name a copy that was made for one of many sockets
_WAKES = ("sched_waking", "sched_wakeup")


@dataclass(slots=True, eq=False)
class Cause:
    """What a softirq works on. A softirq's start belongs to the first packet that it takes in."""

    cause: Cause | None = None
    claimed: bool = False

    @property
    def ours(self) -> bool:
        """Whether the chain of causes begins with us."""
        step: Cause | None = self
        while step is not None:
            if step.claimed:
                return True
            step = step.cause
        return False


@dataclass(slots=True, eq=False)
class Packet(Cause):
    """One life of a buffer, from being sent to being freed. `cause` is the packet whose arrival made it."""

    taken_in: bool = False
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """An event of ours. `packet` is the packet that it happens to, `cause` what the softirq works on."""

    record: Record
    packet: Packet | None
    cause: Cause | None


@dataclass(slots=True)
class _Tracker:
    thread: int
    connections: frozenset[frozenset[tuple[str, str]]]
    packets: dict[str, Packet] = field(default_factory=dict)
    working_on: dict[tuple[int, int, bool], Cause] = field(default_factory=dict)  # by CPU, thread, softirq or not

    def see(self, record: Record) -> Own:
        if record.hardirq:
            return Own(record, self._packet(record, None), None)
        worker = (record.cpu, record.pid, record.softirq)
        before = self.working_on.pop(worker, None)
        packet = self._packet(record, before)
        now = self._works_on(record, packet, before)
        if now:
            self.working_on[worker] = now
        if now and self._reaches_us(record):
            now.claimed = True
        return Own(record, packet, before if record.event == "softirq_exit" else now)

    def _works_on(self, record: Record, packet: Packet | None, before: Cause | None) -> Cause | None:
        if record.event == "softirq_entry":
            return Cause()
        if record.event == "softirq_exit":
            return None
        if record.event != _TAKEN_IN or packet is None:
            return before
        if before and not isinstance(before, Packet):
            before.cause = packet
        return packet

    def _packet(self, record: Record, before: Cause | None) -> Packet | None:
        address = record.packet
        if address is None:
            return None
        packet = self.packets.get(address)
        if self._begins(record, packet):
            cause = before if isinstance(before, Packet) else None
            packet = self.packets[address] = Packet(cause, claimed=self._by_us(record))
        if packet:
            packet.device = record.device or packet.device
            packet.taken_in = packet.taken_in or record.event in _IN
        if record.event in _FREED:
            self.packets.pop(address, None)
        return packet

    def _begins(self, record: Record, packet: Packet | None) -> bool:
        """A packet that is queued again before it was taken in passes on to a device below (bridge, VLAN)."""
        if record.event == _SENT:
            return packet is None or packet.taken_in
        return packet is None and record.event not in _USES

    def _by_us(self, record: Record) -> bool:
        return record.pid == self.thread and not record.softirq and not record.hardirq

    def _reaches_us(self, record: Record) -> bool:
        if record.event in _WAKES:
            return record.fields.get("pid") == str(self.thread)
        return record.ports in self.connections

    def belongs(self, seen: Own) -> bool:
        record = seen.record
        if seen.packet is not None:
            return seen.packet.ours
        if record.packet is not None:
            return record.event == "skb_copy_datagram_iovec" and self._by_us(record)
        if record.ports in self.connections:
            return True
        if record.softirq or seen.cause:
            return seen.cause is not None and seen.cause.ours
        return self._by_us(record)


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
    return [seen for seen in [tracker.see(one) for one in after] if tracker.belongs(seen)]
