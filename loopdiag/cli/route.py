"""`loopdiag route`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopdiag.cli.deliver import deliver
from loopdiag.cli.options import probe_options
from loopdiag.model.address import parse_address
from loopdiag.model.errors import UsageError
from loopdiag.model.target import parse_host

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings


@click.command("route")
@click.argument("address")
@click.option("--from", "source", metavar="ADDRESS", help="Ask for a packet with this source address.")
@click.option("--iif", "device", metavar="DEV", help="Ask for a packet that comes in by this interface.")
@click.option("--mark", metavar="MARK", help="Ask for a packet with this firewall mark (decimal, or 0x...).")
@probe_options
def route(address: str, source: str | None, device: str | None, mark: str | None, settings: Settings) -> int:
    """The kernel's own answer for ADDRESS: rule, table, route, device and source, and what they mean.

    ADDRESS may be a name: each of its addresses is asked for. Nothing is sent to it.

    \b
    Examples:
      loopdiag route 127.9.9.9
      loopdiag route localhost
      loopdiag route fe80::1%eth0
      loopdiag route 10.0.0.7 --from 10.0.0.5
    """
    target = parse_host(address)
    from loopdiag.diagnose.route import Selectors
    from loopdiag.diagnose.route import route as diagnose

    selectors = Selectors(source=_source(source), input_device=device, mark=_mark(mark))
    return deliver(diagnose(target, settings.family, selectors, settings.timeout), settings)


def _source(text: str | None) -> str | None:
    if text is None:
        return None
    found = parse_address(text)
    if found is None:
        raise UsageError(f"'{text}' is no address: --from takes a number, not a name")
    return found.text


def _mark(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        mark = int(text, 0)
    except ValueError:
        mark = -1
    if not 0 <= mark < 1 << 32:
        raise UsageError(f"'{text}' is not a mark: it must be a number from 0 to 0xffffffff")
    return mark
