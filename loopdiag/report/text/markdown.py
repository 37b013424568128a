"""Markdown as our pages use it -> text for a terminal: paragraphs, lists, fenced blocks, tables left as they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopdiag.report.style import harmless, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.report.style import Style

_ITEM = re.compile(r"(\s*)([-*]|\d+\.)\s+(.*)", re.DOTALL)
_MARKS = re.compile(r"\*\*(.+?)\*\*|(?<!`)`([^`]+)`(?!`)|\[([^\]]+)\]\(([^)]+)\)")


def show(text: str, style: Style, width: int, indent: str = "  ") -> str:
    """`text` wrapped to `width` columns, every line after `indent`."""
    return "\n\n".join(_block(block, style, width, indent) for block in _blocks(text))


def _blocks(text: str) -> Iterator[list[str]]:
    """Runs of lines between empty ones; a fenced block is one of its own."""
    block: list[str] = []
    fenced = False
    for line in (*text.splitlines(), ""):
        fence = line.lstrip().startswith("```")
        if not fenced and (fence or not line.strip()):
            if block:
                yield block
            block = [line] if fence else []
        else:
            block.append(line)
            if fence:
                yield block
                block = []
        fenced = fenced != fence
    if block:
        yield block


def _block(lines: list[str], style: Style, width: int, indent: str) -> str:
    if lines[0].lstrip().startswith("```"):
        kept = [line for line in lines if not line.lstrip().startswith("```")]
        return "\n".join(f"{indent}  {style('name', line)}".rstrip() for line in kept)
    if lines[0].lstrip().startswith("|"):
        return "\n".join(indent + harmless(line) for line in lines)
    if _ITEM.match(lines[0]):
        return "\n".join(_item(item, width, indent) for item in _items(lines))
    return paragraph(_plain(" ".join(line.strip() for line in lines)), width, indent)


def _items(lines: list[str]) -> list[str]:
    items: list[str] = []
    for line in lines:
        if _ITEM.match(line) or not items:
            items.append(line)
        else:
            items[-1] += " " + line.strip()
    return items


def _item(item: str, width: int, indent: str) -> str:
    found = _ITEM.match(item)
    if found is None:
        return paragraph(_plain(item), width, indent)
    label = f"{indent}{found[1]}{found[2]} "
    return label + paragraph(_plain(found[3]), width, " " * len(label)).lstrip()


def _plain(text: str) -> str:
    """Without the marks: bold and code as their text, a link as its text with its target."""
    return _MARKS.sub(lambda found: found[1] or found[2] or f"{found[3]} <{found[4]}>", text)
