"""The verdict of a case with its findings."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.observation import TcpConnect
from loopdiag.model.report import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.finding import Finding
    from loopdiag.model.observation import Observation

# The kernel completes connections to these on the process's behalf: connected, and yet nobody is served. Bound where
# no packet comes (ip_nonlocal_bind) is alike.
NOT_SERVED = frozenset(
    {"listener-stopped", "listener-out-of-descriptors", "listener-not-accepting", "accept-queue-full",
     "address-not-local", "service-restricts-peers", "masquerade-on-loopback"}
)  # fmt: skip

# A connection stands, and what is sent over it never arrives.
CUT_OFF = frozenset({"filter-drops", "filter-rejects", "queue-without-consumer", "qdisc-on-loopback"})

# A connection stands and waits for a process that may yet take it.
LATE = frozenset({"listener-not-accepting"})

# It answers, but what answers is not one thing: of a name with several addresses, the one that is tried decides.
DEPENDS = frozenset({"listeners-differ"})

# Silence that proves neither open nor closed.
UNDECIDED = frozenset({"udp-no-reply"})


class _Reach(IntEnum):
    NONE, SOME, FULL = range(3)


def verdict(case: Case, findings: Sequence[Finding]) -> Verdict:
    """`works`, `degraded`, `broken` or `unknown`: by what the sockets saw for each address, then by the findings."""
    causes = {found.cause for found in findings if found.severity is not Severity.NOTE}
    errors = [found for found in findings if found.severity is Severity.ERROR]
    if not case.observations:
        return _of_readings(case, errors)
    reached = [_reach(seen, errors) for seen in _by_address(case.observations)]
    if all(reach is _Reach.FULL for reach in reached):
        depends = len(reached) > 1 and causes & DEPENDS
        return Verdict.DEGRADED if errors or depends or causes & LATE else Verdict.WORKS
    if any(reach is not _Reach.NONE for reach in reached):
        return Verdict.DEGRADED
    return Verdict.UNKNOWN if causes & UNDECIDED and not errors else Verdict.BROKEN


def _of_readings(case: Case, errors: Sequence[Finding]) -> Verdict:
    """Where nothing was sent: `resolve`, `route`, `interfaces`, or a name that gave no address to try."""
    if case.command not in ("resolve", "route", "interfaces"):
        return Verdict.BROKEN if errors else Verdict.UNKNOWN
    route = known(case.facts.route)
    empty = case.facts.answers == () or (route is not None and route.errno is not None)
    if errors:
        return Verdict.BROKEN if empty or case.command in ("interfaces", "route") else Verdict.DEGRADED
    return Verdict.UNKNOWN if empty else Verdict.WORKS


def _by_address(observations: Iterable[Observation]) -> list[list[Observation]]:
    groups: dict[str, list[Observation]] = {}
    for seen in observations:
        groups.setdefault(seen.address, []).append(seen)
    return list(groups.values())


def _is_sure(found: Finding, half_open: Collection[str]) -> bool:
    """Nothing of what is sent arrives; what stops packets by chance lets some through."""
    return found.certainty is Certainty.PROVEN or found.subject in half_open


def _reach(seen: Sequence[Observation], errors: Sequence[Finding]) -> _Reach:
    """How far one address serves: every kind of attempt (connection, request, ...) must have got what it asked for."""
    kinds: dict[str, list[bool]] = {}
    for one in seen:
        kinds.setdefault(one.kind, []).append(one.outcome.good)
    endpoints = {one.to for one in seen}
    connects = [one for one in seen if one.kind == "tcp-connect"]
    standing = {one.to for one in connects} - {one.to for one in connects if not one.outcome.good}
    half_open = {one.to for one in connects if isinstance(one, TcpConnect) and one.half_open}
    if any(found.cause in CUT_OFF and found.subject in standing and _is_sure(found, half_open) for found in errors):
        return _Reach.NONE
    if any(found.cause in NOT_SERVED and found.subject in endpoints for found in errors):
        return _Reach.NONE
    if any(not any(outcomes) for outcomes in kinds.values()):
        return _Reach.NONE
    return _Reach.FULL if all(all(outcomes) for outcomes in kinds.values()) else _Reach.SOME
