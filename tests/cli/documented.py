"""The command lines in the code blocks of docs/, however they are written there."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LIST = re.compile(r"\[(\"loopdiag\",[^\]]*)\]")
_LINE = re.compile(r"(?:^|[\s'\"=/])loopdiag (?=[a-z-])([^\n]*)", re.MULTILINE)
_ENDS = (";", "|", "||", "&", "&&", ">", "2>", ">>", "'")


class Line(NamedTuple):
    """One command line: its words behind `loopdiag`, and where it stands."""

    where: str
    words: tuple[str, ...]


class Block(NamedTuple):
    """A fenced block: the language that its fence names, and its text."""

    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page of Markdown."""
    return [Block(*found.groups()) for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))]


def lines(page: Path) -> Iterator[Line]:
    """Every command line of a page: typed, as a list of words, or as path and args."""
    for block in blocks(page):
        text = block.text.replace("\\\n", " ")
        if block.language == "json":
            yield from (Line(page.name, words) for words in _programs(json.loads(text)))
        for found in _LIST.finditer(text):
            yield Line(page.name, tuple(json.loads(f"[{found[1]}]")[1:]))
        if block.language != "python":
            yield from (Line(page.name, _typed(found[1])) for found in _LINE.finditer(text))


def _typed(line: str) -> tuple[str, ...]:
    """The words up to the end of the command, without a comment or the quotation mark of the file around them."""
    if line.count("'") % 2:
        line = line[: line.rindex("'")]
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word in _ENDS:
            break
        words.append(word)
    return tuple(words)


def _programs(value: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        if str(value.get("path", "")).endswith("/loopdiag"):
            yield tuple(value["args"])
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _programs(part)
