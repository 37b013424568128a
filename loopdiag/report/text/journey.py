"""A journey for people: numbered steps under who did them, then which way it was and how long each part took."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from loopdiag.report.style import harmless, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loopdiag.model.journey import Crossing, Event
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_HEADERS = ("step", "µs", "packet", "kernel event", "what happens")
_ALIGNED = ("right", "right", "right", "left", "left")
_SAID_ONCE = frozenset({"net_dev_start_xmit", "netif_rx", "softirq_entry"})  # every later packet goes the same way
_PARTS = {"sending": "until it was queued", "device": "in the device", "queue": "in the input queue",
          "receiving": "in the protocols and sockets"}  # fmt: skip


def journey(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """The lines of a report's journey; none where it has none."""
    events: Sequence[Event] = report.extra.get("journey", ())
    if not events:
        return
    shown = events if layout.verbose else list(_short(events, lost_silently=_lost_silently(report, events)))
    yield from _story(shown, style, layout)
    if len(shown) < len(events):
        yield style("dim", f"({len(events) - len(shown)} more steps with -v)")
    yield ""
    yield from _labelled("ends", str(report.extra["ending"]), layout)
    yield from _crossing(report.extra["crossing"], layout)
    if report.extra.get("lost_events"):
        lost = f"{report.extra['lost_events']} events of this machine found no room: steps may be missing"
        yield from _labelled("lost", lost, layout)


def _lost_silently(report: Report, events: Sequence[Event]) -> bool:
    """Nothing came back though nothing was dropped: then where the packet was used up is where it ends."""
    return not any(seen.outcome.good for seen in report.observations) and not any(step.drop for step in events)


def _short(events: Iterable[Event], *, lost_silently: bool) -> Iterator[Event]:
    """Without details, and without what only repeats how the first packet went."""
    said: set[str] = set()
    for step in events:
        repeated = step.event if step.event in _SAID_ONCE else step.says if "fib" in step.event else None
        end = lost_silently and step.event == "consume_skb"
        if (step.detail and not end) or repeated in said:
            continue
        if repeated:
            said.add(repeated)
        yield step


def _story(events: Sequence[Event], style: Style, layout: Layout) -> Iterator[str]:
    from tabulate import tabulate

    rows = [_row(number, step) for number, step in enumerate(events, 1)]
    before = sum(max(map(len, column)) + 2 for column in zip(_HEADERS[:-1], *rows, strict=True))
    room = max(24, layout.width - before)
    cells = [(*row, "\n".join(wrap(harmless(step.says), room)) or "-") for row, step in zip(rows, events, strict=True)]
    table = tabulate([_HEADERS, *cells], (), "plain", colalign=_ALIGNED, disable_numparse=True).splitlines()
    yield style("dim", table[0].rstrip())
    at, who = 1, None
    for step, row in zip(events, cells, strict=True):
        if who != (who := _who(step)):
            yield style("name", who)
        height = row[-1].count("\n") + 1
        for line in table[at : at + height]:
            yield style("bad", line.rstrip()) if step.drop else harmless(line.rstrip())
        at += height


def _row(number: int, step: Event) -> tuple[str, str, str, str]:
    return str(number), f"{step.at * 1e6:.0f}", str(step.packet or ""), harmless(step.event)


def _who(step: Event) -> str:
    task = step.task or "another process"
    if step.context == "ksoftirqd":
        return f"in the softirq of its own thread {task}, CPU {step.cpu}"
    if step.context == "softirq":
        return f"in a softirq on top of {task}, CPU {step.cpu}"
    return f"in {task}, CPU {step.cpu}"


def _crossing(way: Crossing, layout: Layout) -> Iterator[str]:
    yield from _labelled("crossed", _crossed(way), layout)
    if way.route_devices:
        yield from _labelled("routing", _routing(way), layout)
    if sum(way.taken_in.values()):
        yield from _labelled("softirq", _softirq(way), layout)
    parts = ", ".join(f"{way.seconds[part] * 1e6:.0f} µs {words}" for part, words in _PARTS.items())
    yield from _labelled("time", parts, layout)
    if way.softnet:
        counts = ", ".join(f"{count} {name}" for name, count in way.softnet.items())
        yield from _labelled("queues", f"/proc/net/softnet_stat moved by {counts} (everybody's packets)", layout)


def _crossed(way: Crossing) -> str:
    if not way.packets:
        return "no device: no packet was queued on one"
    counts = ", ".join(f"{device} ({count} packet{'s' * (count != 1)})" for device, count in way.packets.items())
    return f"{counts}; no other interface carried a packet of this probe"


def _routing(way: Crossing) -> str:
    said = " and ".join(way.route_devices)
    elsewhere = [device for device in way.route_devices if device not in way.packets]
    if elsewhere and list(way.packets) == ["lo"]:
        return f"the routing table names {said}, yet an own address is delivered through lo"
    return f"the routing table names {said}"


def _softirq(way: Crossing) -> str:
    total = sum(way.taken_in.values())
    if way.taken_in["sender"] == total:
        which = "the packet was" if total == 1 else f"all {total} packets were"
        return f"{which} taken in within the sender's own context, as it left the transmit path"
    parts = {
        "sender": "taken in within the sender's own context",
        "ksoftirqd": "by ksoftirqd",
        "other": "on top of others",
    }
    return ", ".join(f"{way.taken_in[name]} {words}" for name, words in parts.items() if way.taken_in[name])


def _labelled(label: str, text: str, layout: Layout) -> Iterator[str]:
    indent = " " * 9
    yield f"{label:<9}" + paragraph(text, layout.width, indent)[9:]
