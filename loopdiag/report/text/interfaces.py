"""The page of `interfaces`: each with its state and counters, and what each of its addresses means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.unknown import Unknown
from loopdiag.report.style import harmless, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.interface import Interface
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """The lines above the verdict. Interfaces that are down without an address are counted, and shown with -v."""
    found = report.facts.interfaces
    if found is None or isinstance(found, Unknown):
        return
    idle = [] if layout.verbose else [one for one in found if not one.up and not one.addresses and not one.loopback]
    shown = [one for one in found if one not in idle]
    yield _table(shown, style)
    yield ""
    yield from _addresses(shown, style, layout)
    if idle:
        names = ", ".join(harmless(one.name) for one in idle[:4])
        yield ""
        yield style("dim", f"{len(idle)} more, down and without an address: {names} (-v shows them)")


def _table(shown: Sequence[Interface], style: Style) -> str:
    from tabulate import tabulate

    rows = [
        [
            style("name", one.name),
            style("good" if one.up and one.running else "bad", state(one)),
            one.mtu,
            *("-" if count is None else count for count in (one.received, one.sent, one.dropped, one.errors)),
            harmless(" ".join(word for word in (one.kind, one.master and f"of {one.master}", speed(one)) if word)),
        ]
        for one in shown
    ]
    headers = ["interface", "state", "mtu", "received", "sent", "dropped", "errors", ""]
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True, colalign=_ALIGN if rows else None)


_ALIGN = ("left", "left", "right", "right", "right", "right", "right", "left")


def speed(one: Interface) -> str:
    """The link's, where its driver tells it."""
    return f"{one.speed} Mbit/s" if one.speed else ""


def state(one: Interface) -> str:
    """`down`, `up`, or `no carrier` where it is up without one."""
    if not one.up:
        return "down"
    return "up" if one.running else "no carrier"


def _addresses(shown: Sequence[Interface], style: Style, layout: Layout) -> Iterator[str]:
    """An address with its interface, and below it what it means where both do not fit side by side."""
    rows = [(one.name, address) for one in shown for address in one.addresses]
    wide = max((len(f"{address.address}/{address.prefix}") for _, address in rows), default=0)
    names = max((len(name) for name, _ in rows), default=0)
    for name, address in rows:
        text = f"{address.address}/{address.prefix}"
        lead = f"{harmless(name):<{names}}  {text:<{wide}}"
        means = harmless(address.means or "")
        if len(lead) + 2 + len(means) <= layout.width:
            yield f"{lead}  {means}"
        else:
            yield lead.rstrip()
            yield paragraph(means, layout.width, " " * (names + 4))
