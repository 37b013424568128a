"""The table of clients below a page: who tries which addresses in which order, and how that ends."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from loopdiag.model.client import Ending
from loopdiag.report.style import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.client import Prediction, Witness
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_ROLES = {
    Ending.REACHES: "good", Ending.FALLS_BACK: "warn", Ending.PROXIED: "warn", Ending.FAILS: "bad",
    Ending.HANGS: "bad", Ending.UNKNOWN: "dim",
}  # fmt: skip
_NAME, _TRIES = 20, 24  # columns; the outcome has the rest


def clients(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """The lines of the table; with -v, what of NO_PROXY each reads and the sources of its policy."""
    from tabulate import tabulate

    rows: Sequence[Prediction] = report.extra["clients"]
    table = [_row(row, style, layout) for row in rows]
    text = tabulate(table, headers=["client", "tries", "outcome"], tablefmt="plain", disable_numparse=True)
    yield from (line.rstrip() for line in text.splitlines())
    yield style("dim", "(a | b: b is raced against a after that time; a, b: one after the other)")
    if layout.verbose:
        for row in rows:
            yield ""
            yield from _details(row, style, layout)


def _row(row: Prediction, style: Style, layout: Layout) -> list[str]:
    said = [_outcome(row), *([_verified(row.verified)] if row.verified else [])]
    width = layout.width - _NAME - _TRIES - 4
    lines = [part for text in said if text for part in wrap(harmless(text), width)]
    return [style("name", row.client), "\n".join(wrap(_tries(row), _TRIES)),
            "\n".join(style(_ROLES[row.ending], line) for line in lines)]  # fmt: skip


def _tries(row: Prediction) -> str:
    if row.proxy:
        return "the proxy"
    if not row.addresses:
        return "-"
    if row.tries == "one" or len(row.addresses) == 1:
        return f"{row.addresses[0]} only"
    delay = row.delay or 0.0
    between = (f" ({delay:g} s)" if delay >= 1 else f" ({delay * 1000:.0f} ms)") if delay else ""
    joined = (" | " if row.tries == "racing" else ", ").join(row.addresses)
    return harmless(f"{joined}{between}")


def _outcome(row: Prediction) -> str:
    if row.ending in (Ending.REACHES, Ending.FALLS_BACK):
        return f"reaches {row.address} {row.says}"
    if row.ending in (Ending.FAILS, Ending.HANGS):
        return f"{row.ending.value}: {row.says}" if row.says else row.ending.value
    return row.says


def _verified(seen: Witness) -> str:
    said = seen.peer or seen.says or "it said nothing"
    word = {True: "verified", False: "NOT SO", None: "seen"}[seen.agrees]
    return f"{word}: {said}"


def _details(row: Prediction, style: Style, layout: Layout) -> Iterator[str]:
    yield style("bold", f"{row.client} ({row.versions})")
    proxies = f"proxy: {', '.join(row.proxy_variables) or 'no variable'}; NO_PROXY: {row.no_proxy}"
    run = f"run and found so: {', '.join(row.ran)}" if row.ran else "not run: rests on its sources alone"
    for text in (proxies, run, *(f"source: {one}" for one in row.sources)):
        lines = wrap(harmless(text), layout.width, initial_indent="  ", subsequent_indent="    ")
        yield from lines
