"""`why --from NS --to NS`: the same target from two network namespaces, side by side."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.listeners import Wish, listeners
from loopdiag.diagnose.why import why
from loopdiag.explain.listeners.sides import addresses_of, between
from loopdiag.host.read import read
from loopdiag.model.side import Side
from loopdiag.probes.tcp import connect_tcp

if TYPE_CHECKING:
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target

PATIENCE = 0.5  # seconds for an address of the other side


def look(
    target: Target, where: str, other: Side | None = None, *, family: int | None = None, timeout: float | None = None
) -> Side:
    """The target as the calling process sees it, which is in the namespace called `where`.

    With `other` its addresses are tried too, where a route leads there straight or by one of them.
    """
    report = why(target, family=family, timeout=timeout)
    found = listeners(Wish(port=target.port)).facts.listeners
    interfaces = read("interfaces")
    return Side(
        where=where,
        namespace=_number(),
        verdict=report.verdict.value,
        summary=report.summary,
        observations=report.observations,
        listeners=tuple(one for one in found if one.protocol == target.transport) if isinstance(found, tuple) else (),
        interfaces=interfaces if isinstance(interfaces, tuple) else (),
        tried=tuple(connect_tcp(one, target.port or 0, timeout or PATIENCE) for one in _straight(target, other)),
        report=report,
    )


def together(target: Target, here: Side, there: Side) -> Report:
    """What was asked from `here`, explained by what is there."""
    report = here.report
    assert report is not None
    finding = between(target, here, there)
    others = [one for one in report.findings if one.cause != "listener-other-namespace" or finding is None]
    mine = [] if finding is None else [finding]
    broken = finding is not None and finding.severity.value == "error"
    return replace(
        report,
        summary=finding.statement if broken and finding else report.summary,
        findings=(*mine, *others) if broken else (*others, *mine),
        observations=(*report.observations, *here.tried),
        unknown=tuple(dict.fromkeys((*report.unknown, *(there.report.unknown if there.report else ())))),
        extra={**report.extra, "sides": (here, there)},
    )


def _number() -> int | None:
    try:
        return os.stat("/proc/thread-self/ns/net").st_ino  # noqa: PTH116
    except OSError:
        return None


def _straight(target: Target, other: Side | None) -> list[str]:
    """Addresses of the other side that packets go to without leaving this machine."""
    if other is None or target.transport != "tcp" or other.namespace == _number():
        return []
    gateways = {None, *(held.address for one in other.interfaces for held in one.addresses)}
    found = []
    for address in addresses_of(other):
        route = read("route", address)
        if getattr(route, "errno", "?") is None and route.type == "unicast" and route.gateway in gateways:
            found.append(address)
    return found
