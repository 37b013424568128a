"""The one place where conflicts between rules are settled: who explains whom, and in which order causes are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.finding import Certainty, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopdiag.model.case import Case
    from loopdiag.model.finding import Finding

# cause -> the causes that merely follow from it: where the first is found for a subject, the others are not told.
# "*" stands for every finding of the same subject that is less certain.
EXPLAINS: dict[str, tuple[str, ...]] = {
    "self-connect": ("no-listener",),
    "localhost-remapped": ("address-not-local", "route-missing"),
    "listener-address-gone": ("address-not-local", "route-missing"),
    "martian-loopback": ("nat-redirects",),
    "zone-missing": ("route-missing", "address-not-local", "multicast-unavailable"),
    "ipv6-disabled": ("address-not-local", "route-missing"),
    "rule-before-local": ("address-not-local",),
}

_SEVERITY = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
_CERTAINTY = {Certainty.PROVEN: 0, Certainty.LIKELY: 1, Certainty.POSSIBLE: 2}


def settle(case: Case, found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Drop what follows from another finding, then sort: severity, certainty, then the order of EXPLAINS."""
    told = list(dict.fromkeys(found))
    explained = {cause for finding in told for cause in EXPLAINS.get(finding.cause, ())}
    kept = [finding for finding in told if finding.cause not in explained]
    return tuple(sorted(kept, key=lambda one: (_SEVERITY[one.severity], _CERTAINTY[one.certainty])))
