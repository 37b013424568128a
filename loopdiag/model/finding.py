"""Findings: a cause by its stable name, with the evidence that proves it and what would mend it."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from loopdiag.model.value import dataclass


class Severity(StrEnum):
    """`error` breaks what was asked for, `warning` breaks some clients or soon will, `note` is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Certainty(StrEnum):
    """`proven`: the evidence leaves no other cause."""

    PROVEN = "proven"
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation or fact (`source`) and what it says."""

    source: str = field(metadata={"json": "from"})
    says: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do, in words; `run` is the command that does it, where there is one. Never run by loopdiag."""

    say: str
    run: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`statement` is one plain sentence; `subject` is what it is about, such as `[::1]:3000`."""

    cause: str
    severity: Severity = Severity.ERROR
    certainty: Certainty = Certainty.PROVEN
    subject: str
    statement: str
    evidence: tuple[Evidence, ...]
    fixes: tuple[Fix, ...] = ()
