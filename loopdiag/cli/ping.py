"""`loopdiag ping`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from loopdiag.cli.deliver import deliver
from loopdiag.cli.options import probe_options
from loopdiag.cli.tracing import pcap_option, trace_option, with_extras
from loopdiag.model.target import parse_host

if TYPE_CHECKING:
    from loopdiag.cli.options import Settings
    from loopdiag.model.report import Report
    from loopdiag.probes.icmp.options import EchoOptions

LONGEST = 2147483  # seconds: ping(8) counts milliseconds in an int
MACHINE_COUNT, MACHINE_INTERVAL = 3, 0.2


class Seconds(click.FloatRange):
    """A time from 0 on."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(0, LONGEST)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if isinstance(number, float) and math.isnan(number):  # float() reads it, and no range holds it
            self.fail(f"{value!r} is not a time in seconds", param, ctx)
        return number


@click.command()
@click.argument("host")
@click.option("-c", "count", type=click.IntRange(1), metavar="COUNT", help="Stop after COUNT requests.")
@click.option("-i", "interval", type=Seconds(), metavar="SECONDS", help="From one request to the next (1).")
@click.option(
    "-W", "wait", type=Seconds(), metavar="SECONDS", help="Longest wait for one answer (1, 0.5 at home); 0: no limit."
)
@click.option("-w", "deadline", type=Seconds(), metavar="SECONDS", help="End after so long, however many are out.")
@click.option("-s", "size", type=click.IntRange(0, 2**31 - 1), default=56, metavar="BYTES", help="Data to send (56).")
@click.option("-t", "ttl", type=click.IntRange(0, 255), metavar="TTL", help="Time to live, or hop limit.")
@click.option("-I", "interface", metavar="DEVICE|ADDRESS", help="Send through this device, or from this own address.")
@click.option("-p", "pattern", metavar="HEX", help="Fill the data with up to 16 bytes.")
@click.option("-Q", "tos", metavar="TOS", help="Type of service or traffic class, decimal or 0x.")
@click.option("-M", "pmtu", type=click.Choice(["do", "want", "dont", "probe"]), help="Path MTU discovery.")
@click.option("-n", "numeric", is_flag=True, help="Addresses only, no name before them.")
@click.option("-D", "clock", is_flag=True, help="The time of day before each line.")
@click.option("-A", "adaptive", is_flag=True, help="Send as soon as the last request is answered.")
@click.option("-f", "flood", is_flag=True, help="The same, at least 100 a second, a dot for each one unanswered.")
@trace_option
@pcap_option
@probe_options
def ping(host: str, trace: bool, pcap: str | None, settings: Settings, **typed: Any) -> int:
    """ICMP echo to HOST, and why it worked or failed.

    Lines, statistics and options are those of iputils ping; beside each round trip stands the one between the kernel's
    own time stamps. Without -c it goes on until Ctrl-C; in a format for machines it sends 3 requests 0.2 s apart.

    \b
    Examples:
      loopdiag ping 127.0.0.1
      loopdiag ping -c 3 -i 0.2 localhost
      loopdiag ping -c 1000 -f -q ::1
      loopdiag ping -c 3 --json 192.0.2.7

    Exit code: 0 with any reply, 1 without (or fewer than -c within -w), 2 for wrong usage.
    """
    from loopdiag.cli.ping_live import run

    target = parse_host(host)
    options = _options(settings, **typed)
    streamed = False

    def probe() -> Report:
        nonlocal streamed
        report, streamed = run(target, options, settings, numeric=typed["numeric"], clock=typed["clock"])
        return report

    report = with_extras(probe, trace=trace, pcap=pcap)
    code = deliver(report, settings, streamed=streamed)
    return code or _too_few(report, options)


def _options(
    settings: Settings, *, count: int | None, interval: float | None, wait: float | None, deadline: float | None,
    size: int, ttl: int | None, interface: str | None, pattern: str | None, tos: str | None, pmtu: str | None,
    adaptive: bool, flood: bool, **_: bool,
) -> EchoOptions:  # fmt: skip
    from loopdiag.probes.icmp.options import EchoOptions, parse_pattern, parse_tos

    if settings.format != "table" and count is None and not deadline:
        count = MACHINE_COUNT
        interval = MACHINE_INTERVAL if interval is None and not flood else interval
    wait = settings.timeout if wait is None else wait
    return EchoOptions(
        count=count,
        interval=interval if interval is not None else 0.0 if flood else 1.0,
        wait=None if wait is None else wait or LONGEST,
        deadline=deadline or None,
        size=size,
        ttl=ttl,
        interface=interface,
        pattern=None if pattern is None else parse_pattern(pattern),
        tos=None if tos is None else parse_tos(tos),
        pmtu=pmtu,
        flood=flood,
        adaptive=adaptive,
        quiet=settings.quiet,
    )


def _too_few(report: Report, options: EchoOptions) -> int:
    """ping(8): with both -c and -w, fewer answers than -c by the deadline are a failure."""
    counts = report.extra.get("statistics")
    return int(bool(counts and options.count and options.deadline and counts.received < options.count))
