"""On which line of a TOML text a table or a key stands: tomllib does not tell."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[\[?\s*[\"']?([^\"'\[\].]+?)[\"']?\s*[.\]]")
_KEY = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|([A-Za-z0-9_-]+))\s*[.=]")


class Lines:
    """A scan that knows headers and keys at the beginning of a line, which is how people write them."""

    def __init__(self, text: str) -> None:
        self._tables: dict[str, list[int]] = {}
        self._keys: dict[tuple[str, int, str], int] = {}
        name, number = "", 0
        for at, line in enumerate(text.splitlines(), 1):
            header = _HEADER.match(line)
            if header:
                name = header[1].strip()
                self._tables.setdefault(name, []).append(at)
                number = len(self._tables[name]) - 1
                continue
            key = _KEY.match(line)
            if key:
                self._keys.setdefault((name, number, key[1] or key[2] or key[3]), at)

    def table(self, name: str, number: int) -> int:
        """The line where the table `name` number `number` (from 0) begins; of its key where it is written inline."""
        found = self._tables.get(name)
        if found:
            return found[min(number, len(found) - 1)]
        return self._keys.get(("", 0, name), 1)

    def key(self, table: str, number: int, key: str) -> int:
        """The line of a key; of its table where it is not found."""
        return self._keys.get((table, number, key)) or self.table(table, number)
