"""`why --from NS --to NS`: the same target from two network namespaces, side by side."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.listeners import Wish, listeners
from loopdiag.diagnose.why import why
from loopdiag.explain.listeners.other_side import of_both, verdict_of_both
from loopdiag.explain.listeners.sides import addresses_of, between
from loopdiag.host.read import read
from loopdiag.model.finding import Severity
from loopdiag.model.side import Side
from loopdiag.probes.tcp import connect_tcp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.report import Report
    from loopdiag.model.target import Target

PATIENCE = 0.5  # seconds for an address of the other side
_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
_MOST = 8  # addresses of the other side that are tried


def look(
    target: Target, where: str, other: Side | None = None, *, family: int | None = None, timeout: float | None = None
) -> Side:
    """The target as the calling process sees it, which is in the namespace called `where`.

    With `other` its addresses are tried too, where a route leads there straight or by one of them.
    """
    report = why(target, family=family, timeout=timeout)
    found = listeners(Wish(port=target.port)).facts.listeners
    interfaces = read("interfaces")
    ways = _straight(other, family)
    return Side(
        where=where,
        namespace=_number(),
        verdict=report.verdict.value,
        summary=report.summary,
        observations=report.observations,
        listeners=tuple(one for one in found if one.protocol == target.transport) if isinstance(found, tuple) else (),
        interfaces=interfaces if isinstance(interfaces, tuple) else (),
        tried=tuple(connect_tcp(one, target.port or 0, timeout or PATIENCE) for one in _to_try(target, ways)),
        ways=tuple(ways),
        report=report,
    )


def together(target: Target, here: Side, there: Side, family: int | None = None) -> Report:
    """What was asked from `here`, explained by what is there."""
    report = here.report
    assert report is not None
    finding = between(target, here, there, family)
    mine, others = of_both(here, there, finding)
    findings = sorted((*([finding] if finding else []), *mine, *others), key=lambda one: _ORDER[one.severity])
    verdict = verdict_of_both(here, others)
    first = findings[0] if findings and findings[0].severity is Severity.ERROR else None
    return replace(
        report,
        verdict=verdict,
        summary=first.statement if first and first not in report.findings else report.summary,
        findings=tuple(findings),
        observations=(*report.observations, *here.tried),
        unknown=tuple(dict.fromkeys((*report.unknown, *(there.report.unknown if there.report else ())))),
        extra={**report.extra, "sides": (here, there)},
    )


def _number() -> int | None:
    try:
        return os.stat("/proc/thread-self/ns/net").st_ino  # noqa: PTH116
    except OSError:
        return None


def _straight(other: Side | None, family: int | None) -> list[str]:
    """Addresses of the other side that packets go to without leaving this machine; those on a link of ours first."""
    if other is None or other.namespace == _number():
        return []
    gateways = {None, *(held.address for one in other.interfaces for held in one.addresses)}
    found = []
    for address in addresses_of(other, family):
        route = read("route", address)
        if getattr(route, "errno", "?") is None and route.type == "unicast" and route.gateway in gateways:
            found.append((route.gateway is not None, address))
    return [address for _, address in sorted(found, key=lambda one: one[0])]


def _to_try(target: Target, ways: Sequence[str]) -> Sequence[str]:
    return ways[:_MOST] if target.transport == "tcp" else ()
