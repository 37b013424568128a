"""What every way to look at a target has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopdiag.model.readiness import State


class Look:
    """One address (or path) of a target, looked at over and over."""

    def look(self) -> State | None:
        """The state now; None where it is too early to tell anything new."""
        raise NotImplementedError

    def unchanged(self) -> Callable[[], bool] | None:
        """What tells whether all is as `look` told last, for a fraction of its cost; None where nothing does."""
        return None

    def close(self) -> None:
        """Leave nothing open."""
