"""`compare` for people: the ways to ask beside one another, then the headers of each, byte by byte."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from loopdiag.model.unknown import Unknown
from loopdiag.report.style import harmless, milliseconds, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.comparison import Header, Lane, WirePacket
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_BYTES_A_LINE = 8


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """The overview; the first packet of each way, and with -v all of them."""
    lanes: Sequence[Lane] = report.extra.get("comparison", ())
    if not lanes:
        return
    yield from _overview(lanes, style)
    if conclusion := _conclusion(lanes):
        yield ""
        yield paragraph(conclusion, layout.width)
    for lane in lanes:
        packets = () if isinstance(lane.packets, Unknown) else lane.packets
        for number, packet in enumerate(packets if layout.verbose else packets[:1], 1):
            yield ""
            yield from (style("bold", line) for line in wrap(_title(lane, packet, number), layout.width))
            yield from _headers(packet.headers, layout)
    if any(not isinstance(lane.packets, Unknown) and len(lane.packets) > 1 for lane in lanes) and not layout.verbose:
        yield ""
        yield style("dim", "(each way's first packet; all of them with -v)")


def _conclusion(lanes: Sequence[Lane]) -> str:
    """What differs: the last header of each way's first packet."""
    last = {}
    for lane in lanes:
        if not isinstance(lane.packets, Unknown) and lane.packets and lane.packets[0].headers:
            header = lane.packets[0].headers[-1]
            last[header.layer] = header.length
    if len(last) < 2:
        return ""
    told = ", ".join(f"{layer} {length} bytes" for layer, length in last.items())
    return f"Link and IP headers are alike; what differs is the header behind them: {told}."


def _overview(lanes: Sequence[Lane], style: Style) -> Iterator[str]:
    from tabulate import tabulate

    rows = [
        ("socket()", *(lane.socket[0] for lane in lanes)),
        ("", *(lane.socket[1] for lane in lanes)),
        ("", *(lane.socket[2] for lane in lanes)),
        ("needs", *(lane.privilege for lane in lanes)),
        ("outcome", *(lane.seen.errno or lane.seen.outcome.value for lane in lanes)),
        ("packets", *(_count(lane) for lane in lanes)),
        ("bytes", *(_bytes(lane) for lane in lanes)),
        ("headers", *(_lengths(lane) for lane in lanes)),
        ("crossed", *(_devices(lane) for lane in lanes)),
        ("kernel", *(_kernel(lane) for lane in lanes)),
        ("process", *(milliseconds(lane.seconds) for lane in lanes)),
    ]
    table = tabulate(rows, ("", *(lane.name for lane in lanes)), "plain", disable_numparse=True).splitlines()
    yield style("bold", table[0].rstrip())
    yield from (harmless(line.rstrip()) for line in table[1:])


def _count(lane: Lane) -> str:
    return "-" if isinstance(lane.packets, Unknown) else str(len(lane.packets))


def _bytes(lane: Lane) -> str:
    return "-" if isinstance(lane.packets, Unknown) else str(sum(packet.length for packet in lane.packets))


def _lengths(lane: Lane) -> str:
    if isinstance(lane.packets, Unknown) or not lane.packets:
        return "-"
    return "+".join(str(header.length) for header in lane.packets[0].headers)


def _devices(lane: Lane) -> str:
    if isinstance(lane.packets, Unknown) or not lane.packets:
        return "-"
    return ", ".join(dict.fromkeys(packet.device for packet in lane.packets))


def _kernel(lane: Lane) -> str:
    return "-" if isinstance(lane.kernel_seconds, Unknown) else milliseconds(lane.kernel_seconds)


def _title(lane: Lane, packet: WirePacket, number: int) -> str:
    layers = ", ".join(f"{header.layer} {header.length}" for header in packet.headers)
    return f"{lane.name}, packet {number}: {packet.length} bytes = {layers}, data {packet.payload}"


def _headers(headers: Sequence[Header], layout: Layout) -> Iterator[str]:
    from tabulate import tabulate

    rows = []
    for header in headers:
        for number, field in enumerate(header.fields):
            octets = "\n".join(wrap(field.bytes, _BYTES_A_LINE * 2))
            value = "\n".join(wrap(harmless(field.value), layout.width - 47)) or "-"
            rows.append((header.layer if number == 0 else "", f"{field.at:3}", octets, field.name, value))
    if rows:
        table = tabulate(rows, ("header", "at", "bytes", "field", "value"), "plain", disable_numparse=True)
        yield from (line.rstrip() for line in table.splitlines())
