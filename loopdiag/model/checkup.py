"""What `doctor` finds: one result by check."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.finding import Finding
    from loopdiag.model.unknown import Unknown


class State(StrEnum):
    """`skipped` was not looked at, for the reason that the result says."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check of the host's own loopback. `says` is one short sentence; `findings` are those that it rests on."""

    name: str
    state: State
    says: str
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    unknown: tuple[Unknown, ...] = ()
