"""How each topic of Facts is read for a question: the written-out list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.host.read import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts


def _interfaces(question: Question, facts: Facts) -> Any:
    return read("interfaces")


# A reader may use the topics read before it; `gather` reads in the order that it is asked in.
TOPICS: Mapping[str, Callable[[Question, Facts], Any]] = {
    "interfaces": _interfaces,
}
