"""The report: what every command returns and every format prints."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from loopdiag.model.facts import Facts
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from loopdiag.model.finding import Finding
    from loopdiag.model.observation import Observation
    from loopdiag.model.target import Target
    from loopdiag.model.unknown import Unknown

SCHEMA = "loopdiag/1"


class Verdict(StrEnum):
    """`degraded`: it answers, but not for every address or client that would reasonably be used."""

    WORKS = "works"
    DEGRADED = "degraded"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything one command found out. `seconds` is its wall time; `summary` is one sentence.

    `extra` holds top-level keys of one command alone (`statistics` of ping, `journey` of trace).
    """

    command: str
    started: datetime
    seconds: float
    target: Target | None
    verdict: Verdict
    summary: str
    findings: tuple[Finding, ...] = ()
    observations: tuple[Observation, ...] = ()
    facts: Facts = field(default_factory=Facts)
    unknown: tuple[Unknown, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
