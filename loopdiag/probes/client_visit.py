"""What a client that is run in a way of its own made of its one request."""

from __future__ import annotations

from loopdiag.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Visit:
    """`peer` is the address and port that answered, as far as it says so; `said` its own error, empty without one.

    `waited`: the seconds after which it was stopped; None where it had come to an end.
    """

    peer: tuple[str, int] | None = None
    said: str = ""
    waited: float | None = None
