"""Run every rule over a case, settle what contradicts or merely follows, and say the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.rules import RULES
from loopdiag.explain.settle import settle

if TYPE_CHECKING:
    from loopdiag.model.case import Case
    from loopdiag.model.finding import Finding


def judge(case: Case) -> tuple[Finding, ...]:
    """The findings of a case: the root cause first, what follows from it left out."""
    return settle(case, [found for rule in RULES for found in rule.check(case)])
