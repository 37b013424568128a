"""Topic `journey`: the way of one probe's packets through the kernel, step by step."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from loopdiag.host.linux.trace.crossing import crossing
from loopdiag.host.linux.trace.instance import Tracepoint, make_instance
from loopdiag.host.linux.trace.lines import parse
from loopdiag.host.linux.trace.own import own
from loopdiag.host.linux.trace.story import tell
from loopdiag.host.linux.trace.tracefs import WHAT
from loopdiag.model.journey import Journey
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NET_RX = "vec == 3"  # linux/interrupt.h
_IN_SOFTIRQ = "common_flags & 16"  # TRACE_FLAG_SOFTIRQ, linux/trace_events.h

TRACEPOINTS = (
    Tracepoint("skb/kfree_skb", required=True),
    Tracepoint("skb/consume_skb"),
    Tracepoint("skb/skb_copy_datagram_iovec"),
    Tracepoint("net/net_dev_queue", required=True),
    Tracepoint("net/net_dev_start_xmit"),
    Tracepoint("net/netif_rx"),
    Tracepoint("net/netif_receive_skb", required=True),
    Tracepoint("qdisc/qdisc_enqueue"),
    Tracepoint("irq/softirq_raise", _NET_RX),
    Tracepoint("irq/softirq_entry", _NET_RX),
    Tracepoint("irq/softirq_exit", _NET_RX),
    Tracepoint("sched/sched_waking", _IN_SOFTIRQ),
    Tracepoint("fib/fib_table_lookup"),
    Tracepoint("fib6/fib6_table_lookup"),
    Tracepoint("neigh/neigh_event_send_done"),
    Tracepoint("icmp/icmp_send"),
    Tracepoint("sock/inet_sock_set_state"),
    Tracepoint("sock/inet_sk_error_report"),
    Tracepoint("sock/sk_data_ready"),
    Tracepoint("sock/sock_rcvqueue_full"),
    Tracepoint("sock/sock_send_length"),
    Tracepoint("sock/sock_recv_length"),
    Tracepoint("tcp/tcp_send_reset"),
    Tracepoint("tcp/tcp_receive_reset"),
    Tracepoint("tcp/tcp_retransmit_skb"),
    Tracepoint("udp/udp_fail_queue_rcv_skb"),
)
BEGIN, END = "loopdiag: begin", "loopdiag: end"
SETTLE = 0.01  # seconds that the kernel is given after the probe, for what runs on another CPU


def record_journey(send: Callable[[], object], root: Path = Path("/")) -> Journey | Unknown:
    """Call `send`, which sends one probe from this thread and waits for its outcome, and tell its packets' way.

    Unknown, without a call of `send`, where tracing is not permitted; Unknown too where the machine was too busy to
    record it. Times are exact to a microsecond.
    """
    instance = make_instance(TRACEPOINTS, clock="mono")
    if isinstance(instance, Unknown):
        return instance
    try:
        before = read_softnet(root)
        with suppress(OSError):  # no room: then the mark is missed below
            instance.mark(BEGIN)
        send()
        time.sleep(SETTLE)
        after = read_softnet(root)
        instance.stop()
        text, lost = instance.read(), instance.lost()
    finally:
        instance.close()
    if BEGIN not in text:
        return Unknown(WHAT, "this machine was so busy that the kernel had no room to record it")
    told = journey_in(text, _task(root), instance.missing, _moved(before, after))
    return replace(told, lost=told.lost + lost)


def journey_in(
    text: str, task: str, missing: tuple[str, ...] = (), softnet: Mapping[str, int] | None = None
) -> Journey:
    """The journey in the text of a trace; `task` is the name of the thread that wrote its mark."""
    records, lost = parse(text)
    mine = own(records, BEGIN)
    return Journey(events=tell(mine, task), crossing=crossing(mine, softnet), lost=lost, missing=missing)


def read_softnet(root: Path = Path("/")) -> dict[str, int]:
    """The sums over all CPUs of /proc/net/softnet_stat (net/core/net-procfs.c); empty where it cannot be read."""
    rows: list[list[str]] = []
    with suppress(OSError):
        text = (root / "proc/thread-self/net/softnet_stat").read_text()
        rows = [line.split() for line in text.splitlines()]
    with suppress(ValueError, IndexError):
        columns = {"processed": 0, "dropped": 1, "squeezed": 2}
        return {name: sum(int(row[at], 16) for row in rows) for name, at in columns.items()} if rows else {}
    return {}


def _moved(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int] | None:
    return {name: after[name] - before[name] for name in after} if before and after else None


def _task(root: Path) -> str:
    with suppress(OSError):
        return (root / "proc/thread-self/comm").read_text(errors="replace").rstrip("\n")
    return "this process"
