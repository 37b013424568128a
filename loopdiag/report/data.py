"""Model values -> plain data for JSON."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

from loopdiag.model.unknown import Unknown

_SCALARS = frozenset((str, int, float, bool, type(None)))
Seen = dict[int, tuple[Any, Any]]


def plain(value: Any, seen: Seen | None = None) -> Any:
    """Dicts, lists, numbers and strings. What is not known becomes null; field metadata `json` renames or hides.

    One object is worked out once: `seen` holds it (so that it keeps its id) and what became of it, by that id.
    """
    if type(value) in _SCALARS:
        return value
    seen = {} if seen is None else seen
    if id(value) not in seen:
        seen[id(value)] = (value, _worked_out(value, seen))
    return seen[id(value)][1]


def _worked_out(value: Any, seen: Seen) -> Any:
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(part, seen) for part in value]
    if isinstance(value, Unknown):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        return _object(value, seen)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(name): plain(part, seen) for name, part in value.items()}
    return value


def _object(value: Any, seen: Seen) -> dict[str, Any]:
    kind, names = _shape(value.__class__)
    data: dict[str, Any] = {"kind": kind, "to": value.to} if kind else {}
    for name, attribute in names:
        part = getattr(value, attribute)
        data[name] = part if type(part) in _SCALARS else plain(part, seen)
    return data


@cache
def _shape(of: type[Any]) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """What kind of observation it is, and the name in JSON with the attribute of all that is shown.

    `ALSO_SHOWN` lists properties that the contract names.
    """
    kind = getattr(of, "kind", None)
    named = [(part.metadata.get("json", part.name), part.name) for part in fields(of)]
    shown = [(name, attribute) for name, attribute in named if name is not False]
    also = [(name, name) for name in getattr(of, "ALSO_SHOWN", ())]
    return kind if isinstance(kind, str) else None, (*shown, *also)
