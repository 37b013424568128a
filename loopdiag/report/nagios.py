"""`--format nagios`: one line and performance data, as the plugin development guidelines have it.

cli/deliver.py maps the verdict to the protocol's exit codes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopdiag.model.report import Verdict
from loopdiag.report.rows import Status, one_line, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout

WORD = {Verdict.WORKS: "OK", Verdict.DEGRADED: "WARNING", Verdict.BROKEN: "CRITICAL", Verdict.UNKNOWN: "UNKNOWN"}
LONGEST_TEXT = 600  # characters: NRPE 2 carries 1024 bytes, performance data included
MOST_TIMES = 8  # of what passed, each with its own


def render(report: Report, layout: Layout) -> str:
    """`LOOPDIAG CRITICAL - no-listener: nothing listens ... | 'time'=0.0421s;;;0 ...`."""
    cause = f"{report.findings[0].cause}: " if report.findings and report.verdict is not Verdict.WORKS else ""
    data = " ".join(_performance(report, layout))
    return f"LOOPDIAG {WORD[report.verdict]} - {_text(cause + report.summary)} | {data}\n"


def _text(text: str) -> str:
    """On one line and without `|`, which begins the performance data."""
    text = one_line(text).replace("|", "/")
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."


def _performance(report: Report, layout: Layout) -> Iterator[str]:
    asked = [row for row in rows(report, layout)[1:] if row.status is not Status.SKIPPED]
    yield _datum("time", _seconds(report.seconds))
    yield _datum("attempts", str(len(asked)))
    yield _datum("failed", str(sum(row.status is not Status.PASSED for row in asked)), f"0;{len(asked)}")
    yield _datum("findings", str(len(report.findings)))
    counts = report.extra.get("statistics")
    if counts is not None and hasattr(counts, "loss"):
        yield from _of_a_ping(counts)
        return
    timed = [(row.name, row.seconds) for row in asked if row.status is Status.PASSED and row.seconds is not None]
    yield from (_datum(name, _seconds(seconds)) for name, seconds in timed[:MOST_TIMES])


def _of_a_ping(counts: object) -> Iterator[str]:
    """`rta` and `pl` are what check_ping calls them."""
    rtt, loss = getattr(counts, "rtt", None), getattr(counts, "loss", None)
    if rtt is not None:
        yield _datum("rta", _seconds(rtt.avg))
    if loss is not None:
        yield _datum("pl", f"{loss * 100:.4f}%", "0;100")


def _seconds(value: float) -> str:
    return f"{value:.6f}s"  # never an exponent: the grammar has digits, point and minus alone


def _datum(name: str, value: str, bounds: str = "0") -> str:
    """`'label'=value[UOM];[warn];[crit];[min];[max]`. A label holds neither `=` nor a quotation mark."""
    plain = re.sub(r"[=|']", "-", name)
    return f"'{plain}'={value};;;{bounds}"
