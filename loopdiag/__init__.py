"""Why can('t) this host reach itself? Real sockets ask, the host's own state explains."""

from __future__ import annotations

TYPE_CHECKING = False  # to a type checker it is true; typing and what it needs take 17 ms to load
if TYPE_CHECKING:
    from typing import Any

    from loopdiag.diagnose.why import why as why

__version__ = "0.1.0"

__all__ = ["__version__", "why"]

_LAZY = {"why": "loopdiag.diagnose.why"}


def __getattr__(name: str) -> Any:
    """Load a public function on its first use, so that importing loopdiag costs nothing."""
    if name not in _LAZY:
        raise AttributeError(f"module 'loopdiag' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
