"""The page of `ping`: what was not shown as it ran, then the way that the packets took, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.echo import EchoPlan, EchoProblem, EchoReply, EchoSilence, IcmpEcho, Statistics
from loopdiag.model.route import RouteAnswer
from loopdiag.report.style import paragraph
from loopdiag.report.text.interfaces import speed, state
from loopdiag.report.text.ping_lines import Form, header, problem, reply, silence, statistics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.facts import Facts
    from loopdiag.model.interface import Interface
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

_SOCKETS = {"raw": "raw ICMP socket", "datagram": "datagram ICMP socket (a raw one is not permitted)"}


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """Lines and statistics unless they were streamed, then the explanation."""
    plan, counts = report.extra.get("ping"), report.extra.get("statistics")
    if not isinstance(plan, EchoPlan) or not isinstance(counts, Statistics):
        return
    if not layout.streamed and plan.socket_type:
        form = Form(verbose=layout.verbose > 0)
        yield from header(plan)
        yield from _requests(report, plan, form)
        yield ""
        yield from statistics(counts, plan, form)
        yield ""
    for name, text in _way(report, plan):
        yield style("dim", f"{name:8}") + paragraph(text, layout.width, " " * 9)[8:]
    if report.extra.get("explanation"):
        yield ""
        yield paragraph(str(report.extra["explanation"]), layout.width)


def _requests(report: Report, plan: EchoPlan, form: Form) -> Iterator[str]:
    for one in report.observations:
        if isinstance(one, IcmpEcho):
            yield _request(one, plan, form)
    left_out = report.extra.get("observations_left_out")
    if left_out:
        yield f"({left_out} more requests are not shown one by one)"


def _request(one: IcmpEcho, plan: EchoPlan, form: Form) -> str:
    if one.outcome.good:
        event = EchoReply(
            at=0.0, sequence=one.sequence, sender=one.replied_from or one.address, bytes=one.bytes or 0, ttl=one.ttl,
            seconds=one.seconds or 0.0, kernel_seconds=one.kernel_seconds, late=one.late, reordered=one.reordered,
            damage=one.damage,
        )  # fmt: skip
        return reply(event, plan, form) + (f" (+{one.duplicates} DUP!)" if one.duplicates else "")
    if one.errno is None:
        return silence(EchoSilence(at=0.0, sequence=one.sequence, after=round(one.seconds or 0.0, 3)), form)
    says = one.error or f"{one.failed_call or 'request'} failed"
    return problem(EchoProblem(at=0.0, sequence=one.sequence, sender=one.error_from, says=says, errno=one.errno), form)


def _way(report: Report, plan: EchoPlan) -> Iterator[tuple[str, str]]:
    """How it was sent and which way the kernel chose, one line each."""
    if plan.socket_type:
        helped = " and ".join((*(["filter"] if plan.filtered else []), *(["time stamps"] if plan.stamped else [])))
        kernel = f", {helped} in the kernel" if helped else ""
        yield "socket", f"{_SOCKETS[plan.socket_type]}, identifier {plan.identifier}{kernel}"
    route = report.facts.route
    if isinstance(route, RouteAnswer):
        yield from _route(route, plan, report.facts)
    packets = report.extra.get("packets")
    if packets:
        quiet_last = sorted(packets.items(), key=lambda pair: (pair[0] != "lo", pair[1] == 0))
        yield "packets", ", ".join(f"{name} +{count}" for name, count in quiet_last[:8])


def _route(route: RouteAnswer, plan: EchoPlan, facts: Facts) -> Iterator[tuple[str, str]]:
    if route.rule:
        yield "rule", route.rule.text
    if route.errno:
        yield "route", f"none: {route.errno}" + (f" ({route.type})" if route.type else "")
        return
    via = f" via {route.gateway}" if route.gateway else ""
    yield "route", f"{route.type} {route.matched or route.destination}{via} dev {route.device} table {route.table}"
    yield "source", plan.source or route.source or "none"
    device = route.through or route.device
    for each in facts.interfaces if isinstance(facts.interfaces, tuple) else ():
        if each.name == device:
            yield "device", _device(each)


def _device(one: Interface) -> str:
    """`lo, up, MTU 65536, no errors`."""
    errors = "" if one.errors is None else "no errors" if not one.errors else f"{one.errors} errors since it was made"
    return ", ".join(part for part in (one.name, state(one), f"MTU {one.mtu}", speed(one), errors) if part)
