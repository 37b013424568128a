"""`trace` for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.report.style import milliseconds
from loopdiag.report.text.journey import journey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_SENT = {"tcp-connect": "one TCP connection", "udp": "one UDP datagram", "icmp-echo": "one ICMP echo"}


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """What was sent and what came of it, then its journey."""
    for seen in report.observations:
        yield style("bold", _headline(seen))
    yield from journey(report, style, layout)
    if report.observations and "journey" not in report.extra:
        yield from _counted(report)


def _headline(seen: Observation) -> str:
    outcome = seen.errno or seen.outcome.value
    return f"{_SENT.get(seen.kind, seen.kind)} to {seen.to}: {outcome} after {milliseconds(seen.seconds)}"


def _counted(report: Report) -> Iterator[str]:
    """Without the right to trace: what the interface counters say."""
    counters = report.facts.counters
    sent = getattr(counters, "sent", None)
    if sent is None:
        yield "the kernel's trace could not be read, nor the packet counters"
        return
    moved = ", ".join(f"{device} +{count}" for device, count in sent.items() if count or device == "lo")
    yield f"not traced; packets sent meanwhile, by anybody: {moved}"
