"""Model values -> plain data for JSON."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from loopdiag.model.unknown import Unknown


def plain(value: Any) -> Any:
    """Dicts, lists, numbers and strings. What is not known becomes null; field metadata `json` renames or hides."""
    if isinstance(value, Unknown):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(part) for part in value]
    return value


def _fields(value: Any) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if hasattr(value, "kind") and isinstance(getattr(type(value), "kind", None), str):
        data["kind"] = value.kind
        data["to"] = value.to
    for part in fields(value):
        name = part.metadata.get("json", part.name)
        if name is not False:
            data[name] = plain(getattr(value, part.name))
    for name in getattr(value, "ALSO_SHOWN", ()):  # properties that the contract names
        data[name] = plain(getattr(value, name))
    return data
