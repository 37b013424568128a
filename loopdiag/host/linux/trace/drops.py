"""Topic `drops`: what the kernel threw away of one probe, seen the moment it happens."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from loopdiag.host.linux.trace.instance import Tracepoint, make_instance
from loopdiag.host.linux.trace.lines import PROTOCOLS, parse
from loopdiag.host.linux.trace.own import own
from loopdiag.host.linux.trace.tracefs import WHAT
from loopdiag.model.journey import Drop
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loopdiag.host.linux.trace.instance import Instance
    from loopdiag.host.linux.trace.lines import Record

TRACEPOINTS = (
    Tracepoint("skb/kfree_skb", required=True),
    Tracepoint("net/net_dev_queue", required=True),
    Tracepoint("net/netif_receive_skb", required=True),
    Tracepoint("irq/softirq_exit", "vec == 3"),  # NET_RX
    Tracepoint("sock/inet_sock_set_state"),
)
BEGIN = "loopdiag: begin"
_LOOK = 0.002  # seconds between two readings


def watch_drops(send: Callable[[], object], *, settle: float = 0.02) -> tuple[Drop, ...] | Unknown:
    """Call `send` while the kernel's own record of thrown away packets is on; returns the drops of what it sent.

    `send` sends one probe from the calling thread and need not wait for an answer: a nonblocking connect(), one
    echo, one datagram. It is not called where tracing is not permitted. Drops of everybody else are left out, and so
    are frees that lose nothing; what remains may still be plain: a refused connection is a drop with NO_SOCKET.
    An empty tuple means that the kernel freed nothing as dropped, though it may have taken the packet in and done
    nothing with it: a full accept queue, a queue without consumer, `icmp_echo_ignore_all` leave no drop.

    `settle` is how long to go on listening after `send`, in seconds, unless a drop was seen before; on loopback a
    packet is normally delivered, or dropped, before the system call that sends it returns. Setting up takes some
    7 ms; removing the instance goes on in a thread (some 40 ms). Needs root (CAP_SYS_ADMIN); else Unknown says so.
    """
    instance = make_instance(TRACEPOINTS)
    if isinstance(instance, Unknown):
        return instance
    try:
        with suppress(OSError):  # no room: then the mark is missed below
            instance.mark(BEGIN)
        began = time.monotonic()
        send()
        return _listen(instance, max(began, time.monotonic()) + settle)
    finally:
        instance.close()


def _listen(instance: Instance, until: float) -> tuple[Drop, ...] | Unknown:
    records: list[Record] = []
    while True:
        records += parse(instance.read())[0]
        found = tuple(_drops(records, BEGIN))
        if found:
            return found
        if time.monotonic() >= until:
            lost = not any(record.text == BEGIN for record in records) or instance.lost()
            return Unknown(WHAT, "this machine was so busy that the kernel had no room to record it") if lost else ()
        time.sleep(_LOOK)


def drops_in(text: str, begin: str = BEGIN) -> Iterator[Drop]:
    """The drops of our own probe in the text of a trace, in order."""
    return _drops(parse(text)[0], begin)


def _drops(records: Sequence[Record], begin: str) -> Iterator[Drop]:
    start = next((one.at for one in records if one.text == begin), 0.0)
    for seen in own(records, begin):
        record = seen.record
        if record.event != "kfree_skb" or record.ordinary:
            continue
        device = seen.packet.device if seen.packet else None
        yield Drop(
            reason=record.reason, place=record.place, at=round(record.at - start, 6),
            protocol=PROTOCOLS.get(record.fields.get("protocol", "")), device=device, task=record.task,
        )  # fmt: skip
