"""Queueing disciplines and their filters, by rtnetlink: tc(8), linux/pkt_sched.h, linux/pkt_cls.h."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from loopdiag.host.linux.netlink import ROUTE, attributes, dump, number, reading, text
from loopdiag.host.linux.tc_filters import INGRESS_PARENTS, read_filters
from loopdiag.model.limits import Qdisc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loopdiag.model.unknown import Unknown

RTM_GETTCLASS, RTM_GETQDISC = 42, 38
TCMSG = struct.Struct("=BxxxiIII")  # family, interface, handle, parent, info
TCA_KIND, TCA_OPTIONS, TCA_STATS2 = 1, 2, 7
TCA_STATS_BASIC, TCA_STATS_QUEUE = 1, 3
TCA_TBF_PARMS, TCA_TBF_RATE64, TCA_TBF_BURST = 1, 4, 6
TCA_HTB_PARMS, TCA_HTB_RATE64 = 1, 6
TCA_NETEM_LATENCY64 = 10
RATE = 8  # the offset of `rate` in struct tc_ratespec
TC_H_ROOT, TC_H_CLSACT = 0xFFFFFFFF, 0xFFFFFFF1
PSCHED_TICKS = 1e9 / 64  # of struct tc_netem_qopt in a second: PSCHED_SHIFT is 6


def read_qdiscs(device: str = "lo") -> tuple[Qdisc, ...] | Unknown:
    """The disciplines of `device`, with what they dropped and hold back since they were set up."""
    return reading(f"queueing disciplines of {device}", lambda: _read(device))


def _read(device: str) -> tuple[Qdisc, ...]:
    import socket

    index = socket.if_nametoindex(device)
    messages = [one for one in dump(ROUTE, RTM_GETQDISC, TCMSG.pack(0, index, 0, 0, 0)) if _index(one) == index]
    return tuple(_qdisc(device, index, message) for message in messages)


def _index(message: bytes) -> int:
    found: int = TCMSG.unpack_from(message)[1]
    return found


def _qdisc(device: str, index: int, message: bytes) -> Qdisc:
    _, _, handle, parent, _ = TCMSG.unpack_from(message)
    parts = attributes(message, TCMSG.size)
    kind = text(parts[TCA_KIND])
    stats = attributes(parts.get(TCA_STATS2, b""))
    parameters = PARAMETERS[kind](parts.get(TCA_OPTIONS, b"")) if kind in PARAMETERS else {}
    if kind == "htb":
        parameters = {"rate": _slowest_class(index)}
    parents = INGRESS_PARENTS if parent == TC_H_CLSACT else () if kind == "noqueue" else (handle,)
    return Qdisc(
        device=device,
        kind=kind,
        handle=_handle(handle),
        parent="root" if parent == TC_H_ROOT else _handle(parent),
        filters=read_filters(index, parents),
        **_queue(stats),
        **parameters,
    )


def _queue(stats: Mapping[int, bytes]) -> dict[str, int]:
    """struct gnet_stats_basic (bytes, packets) and gnet_stats_queue (qlen, backlog, drops, requeues, overlimits)."""
    _, sent = struct.unpack_from("=QI", stats.get(TCA_STATS_BASIC, b"").ljust(12, b"\0"))
    waiting, _, drops, _, over = struct.unpack_from("=5I", stats.get(TCA_STATS_QUEUE, b"").ljust(20, b"\0"))
    return {"sent": sent, "backlog": waiting, "drops": drops, "overlimits": over}


def _tbf(options: bytes) -> dict[str, Any]:
    """struct tc_tbf_qopt: rate and peakrate (12 bytes each), limit, buffer (in ticks), mtu; the burst is beside it."""
    parts = attributes(options)
    rate = _rate(parts.get(TCA_TBF_PARMS, b""), parts.get(TCA_TBF_RATE64))
    burst = number(parts[TCA_TBF_BURST]) if TCA_TBF_BURST in parts else None
    if burst is None and rate is not None and len(parts.get(TCA_TBF_PARMS, b"")) >= 32:
        burst = round(struct.unpack_from("=I", parts[TCA_TBF_PARMS], 28)[0] / PSCHED_TICKS * rate)
    return {"rate": rate, "burst": burst}


def _rate(parameters: bytes, wide: bytes | None) -> int | None:
    if wide is not None:
        return number(wide)
    return int(struct.unpack_from("=I", parameters, RATE)[0]) if len(parameters) >= 12 else None


def _netem(options: bytes) -> dict[str, Any]:
    """struct tc_netem_qopt: latency (ticks), limit, loss (share of 2^32), gap, duplicate, jitter; then attributes."""
    if len(options) < 24:
        return {}
    ticks, _, loss, _, _, _ = struct.unpack_from("=6I", options)
    exact = attributes(options, 24).get(TCA_NETEM_LATENCY64)
    delay = number(exact) / 1e9 if exact else ticks / PSCHED_TICKS
    return {"delay": delay or None, "loss": loss / 0xFFFFFFFF or None}


def _fifo(options: bytes) -> dict[str, Any]:
    return {"limit": struct.unpack_from("=I", options)[0]} if len(options) >= 4 else {}


def _slowest_class(index: int) -> int | None:
    """The lowest rate of the htb classes: struct tc_htb_opt begins with its struct tc_ratespec."""
    rates = []
    for message in dump(ROUTE, RTM_GETTCLASS, TCMSG.pack(0, index, 0, 0, 0)):
        parts = attributes(attributes(message, TCMSG.size).get(TCA_OPTIONS, b""))
        rates.append(_rate(parts.get(TCA_HTB_PARMS, b""), parts.get(TCA_HTB_RATE64)))
    return min((rate for rate in rates if rate is not None), default=None)


def _handle(handle: int) -> str:
    """As tc writes it: `8001:`, `1:10`, in hexadecimal."""
    minor = handle & 0xFFFF
    return f"{handle >> 16:x}:{minor:x}" if minor else f"{handle >> 16:x}:"


PARAMETERS: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "tbf": _tbf,
    "netem": _netem,
    "pfifo": _fifo,
    "bfifo": _fifo,
}
