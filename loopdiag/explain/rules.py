"""The list of all rules. Reading it tells which causes can be named and where each is decided.

A rule is a pure function from a Case to findings. It may only name causes that it is listed with (a test checks it),
and must say nothing where the facts that it needs are None or Unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loopdiag.model.case import Case
    from loopdiag.model.finding import Finding


class Rule(NamedTuple):
    """The causes that `check` can name, and the function that decides."""

    causes: tuple[str, ...]
    check: Callable[[Case], Iterable[Finding]]


RULES: tuple[Rule, ...] = ()
