"""What a browser made of its one request."""

from __future__ import annotations

from loopdiag.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Visit:
    """`peer` is the address and port that answered; `said` the browser's own error. Both empty: it did not say.

    `waited`: the seconds after which it was stopped; None where it had come to an end.
    """

    peer: tuple[str, int] | None = None
    said: str = ""
    waited: float | None = None
