"""What could not be read: an answer of its own, never an empty list and never "fine"."""

from __future__ import annotations

from loopdiag.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Unknown:
    """A reading that failed: `what` was wanted, `because` says why it is not known and which right would settle it."""

    what: str
    because: str
