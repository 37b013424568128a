"""`--trace` and `--pcap` for any command that probes.

@trace_option
@pcap_option
@probe_options
def ping(..., trace: bool, pcap: str | None, settings: Settings) -> int:
    report = with_extras(lambda: run(...), trace=trace, pcap=pcap)
    return deliver(report, settings)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from loopdiag.model.errors import LoopdiagError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.model.report import Report
    from loopdiag.probes.capture import Frame

trace_option = click.option("--trace", is_flag=True, help="Attach the kernel's own record of one probe's way (root).")
pcap_option = click.option(
    "--pcap", metavar="FILE", help="Write this probe's packets, and nothing else, to FILE for Wireshark and tcpdump."
)


def with_extras(work: Callable[[], Report], *, trace: bool, pcap: str | None) -> Report:
    """The report of `work`, with the journey of a probe attached and its packets written, as asked for."""

    def whole() -> Report:
        report = work()
        if not trace:
            return report
        from loopdiag.diagnose.journeys import with_journey

        return with_journey(report)

    return with_capture(pcap, whole)


def with_capture(pcap: str | None, work: Callable[[], Report]) -> Report:
    """The report of `work`; the packets of its probes go to the file `pcap`, where one is named.

    Raises UsageError for a file that cannot be written, before anything is probed.
    """
    if pcap is None:
        return work()
    from loopdiag.model.unknown import Unknown
    from loopdiag.probes.capture import captured

    _check_writable(pcap)
    done: list[Report] = []
    taken = captured(lambda: done.append(work()))
    report = done[0]
    if isinstance(taken, Unknown):
        return replace(report, unknown=(*report.unknown, taken))
    count = _write(pcap, taken.frames, report)
    gaps = (*report.unknown, taken.gap) if taken.gap else report.unknown
    return replace(report, unknown=gaps, extra={**report.extra, "pcap": {"file": pcap, "packets": count}})


def _check_writable(path: str) -> None:
    try:
        with open(path, "ab"):  # noqa: PTH123 - as given, /dev/stderr included
            pass
    except OSError as fault:
        raise UsageError(f"cannot write '{path}': {fault.strerror}") from None


def _write(path: str, frames: list[Frame], report: Report) -> int:
    from loopdiag.diagnose.marks import marks_of
    from loopdiag.probes.ownframes import own_frames
    from loopdiag.probes.scapy_layers import pcap_writer

    own = own_frames(frames, marks_of(report))
    try:
        with pcap_writer()(
            path, linktype=1, nano=True, sync=False
        ) as writer:  # LINKTYPE_ETHERNET: tcpdump.org/linktypes
            writer.write_header(None)
            for frame in own:
                seconds, nanoseconds = divmod(frame.at, 1_000_000_000)
                writer.write_packet(frame.data, sec=seconds, usec=nanoseconds)
    except OSError as fault:
        raise LoopdiagError(f"cannot write '{path}': {fault.strerror}") from None
    return len(own)
