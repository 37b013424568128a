"""What the rules judge: the question, what the sockets saw, what the host's state says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from loopdiag.model.facts import Facts
    from loopdiag.model.observation import Observation
    from loopdiag.model.target import Target


@dataclass(frozen=True, slots=True)
class Case:
    """`command` is the command's name: `bind-test` asks another question than `why`."""

    command: str
    target: Target
    observations: tuple[Observation, ...]
    facts: Facts

    @property
    def failed(self) -> tuple[Observation, ...]:
        """The attempts that did not get what they asked for."""
        return tuple(seen for seen in self.observations if not seen.outcome.good)

    @property
    def worked(self) -> tuple[Observation, ...]:
        """The attempts that did."""
        return tuple(seen for seen in self.observations if seen.outcome.good)
