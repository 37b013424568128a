"""The body of `bind-test`: the bind itself, then who reached it and how each side saw the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.bind import Bind, BoundConnect, BoundExchange
from loopdiag.report.style import milliseconds, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_SERVES = {("ipv4",): "IPv4", ("ipv6",): "IPv6", ("ipv4", "ipv6"): "IPv6 and IPv4"}


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """One block for each address that was to be bound."""
    for bind in (one for one in report.observations if isinstance(one, Bind)):
        yield from _bind(bind, style, layout)
    made = [one for one in report.observations if isinstance(one, BoundConnect | BoundExchange)]
    if made:
        yield ""
        yield from _matrix(made, style, layout)


def _bind(bind: Bind, style: Style, layout: Layout) -> Iterator[str]:
    what = f"{bind.protocol.upper()} {bind.to}"
    if bind.outcome.good:
        serves = _SERVES.get(bind.families, "")
        reuse = ", with SO_REUSEADDR" if bind.reuseaddr else ""
        yield f"{style('good', 'bound')} {style('bold', what)} (serves {serves}{reuse})"
    else:
        yield f"{style('bad', 'not bound')} {style('bold', what)}: {bind.failed_call}() gave {bind.errno}"
    if bind.strangers:
        told = ", ".join(bind.strangers[:8])
        yield paragraph(f"others connected meanwhile, and got nothing: {told}", layout.width, "  ")


def _matrix(made: list[BoundConnect | BoundExchange], style: Style, layout: Layout) -> Iterator[str]:
    from tabulate import tabulate

    rows = [_row(one, style) for one in made]
    room = (layout.width - 32) // 2  # what outcome and time leave to the two addresses
    yield from tabulate(
        rows, ["to", "from", "outcome", "time", "seen as"], tablefmt="simple", disable_numparse=True,
        maxcolwidths=[room, room, None, None, room],
    ).splitlines()  # fmt: skip


def _row(one: BoundConnect | BoundExchange, style: Style) -> list[str]:
    """`seen as` is the client as the listener saw it, told where it is not what the client took itself for."""
    word = one.errno or one.outcome.value
    shown = style("good" if one.outcome.good else "bad", word)
    seen_as = "same" if one.seen_as and one.seen_as == one.local else one.seen_as
    return [one.address, one.local or "-", shown, milliseconds(one.seconds), style("dim", seen_as or "-")]
