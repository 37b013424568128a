"""How rules name what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.finding import Evidence
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from typing import TypeVar

    from loopdiag.model.observation import Observation

    Value = TypeVar("Value")


def seen(observation: Observation) -> Evidence:
    """An observation as evidence: its label, its errno or outcome, and after how long."""
    after = "" if observation.seconds is None else f" after {observation.seconds * 1000:.3f} ms"
    return Evidence(observation.label, f"{observation.errno or observation.outcome.value}{after}")


def known(value: Value | Unknown | None) -> Value | None:
    """The value where it was read; None where it was not needed or could not be read."""
    return None if isinstance(value, Unknown) else value
