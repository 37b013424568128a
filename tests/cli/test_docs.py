"""What the documents say can be typed: every command line in them is parsed by the command that it names."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml

from loopdiag.cli.app import app
from loopdiag.model.assertion import KINDS
from loopdiag.model.checkfile import parse_checks
from loopdiag.report.formats import FORMATS
from tests.cli.documented import Line, blocks, lines
from tests.host import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
LINES = [line for page in PAGES if page.name != "architecture.md" for line in lines(page)]


def of(name: str) -> list[Line]:
    return [line for line in LINES if line.where == name]


def parse(words: tuple[str, ...]) -> click.Context:
    """Read the words as the command line does, and run nothing."""
    parent = click.Context(app, info_name="loopdiag")
    command, rest = app.get_command(parent, words[0]), list(words[1:])
    if command is None:
        pytest.fail(f"there is no command {words[0]}")
    if isinstance(command, click.Group):
        group = click.Context(command, info_name=words[0], parent=parent)
        name, command, rest = command.resolve_command(group, rest)
        assert command is not None
        return command.make_context(name, rest, group)
    return command.make_context(words[0], rest, parent)


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.where}: {' '.join(line.words)}")
def test_it_can_be_typed(line: Line) -> None:
    parse(tuple(word for word in line.words if word != "--help"))


@pytest.mark.parametrize("words", [("why",), ("why", "--formt", "tap", "3000"), ("wy", "3000")])
def test_what_cannot_be_typed_would_be_found(words: tuple[str, ...]) -> None:
    with pytest.raises((click.ClickException, pytest.fail.Exception)):
        parse(words)


def test_the_lines_are_found_however_they_are_written() -> None:
    assert len(of("ci.md")) >= 10
    found = {line.words for line in of("ci.md")}
    assert ("connect", "-q", "--timeout", "0.5", "127.0.0.1:8080") in found  # a list of words
    assert ("why", "-q", "127.0.0.1") in found  # path and args
    assert ("why", "--format", "nagios", "http://localhost:8080/health") in found  # up to the semicolon


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_is_documented(name: str) -> None:
    text = (PROJECT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert f"| `{name}` | " in text
    assert f"\n## `{name}`\n" in text
    shown = [line.words for line in of("formats.md")]
    assert name == "table" or any(f"--{name}" in words or name in words for words in shown)


def test_the_file_of_checks_is_one() -> None:
    page = PROJECT / "docs" / "check.md"
    (example,) = [one.text for one in blocks(page) if one.language == "toml"]
    assert len(parse_checks(example, "check.md")) == 4


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_check_is_documented_with_its_keys_and_words(kind: str) -> None:
    text = (PROJECT / "docs" / "check.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `[[{kind}]]` |")]
    assert all(f"`{key}`" in row for key in KINDS[kind].keys)
    assert all(f"`{word}`" in row or "failure" in row or "..." in row for word in KINDS[kind].words)


def _load(language: str, text: str) -> Any:
    if language == "toml":
        return tomllib.loads(text)
    if language == "yaml":
        return yaml.safe_load(text)
    return json.loads(text) if language == "json" else compile(text, "docs", "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_are_what_they_say(page: Path) -> None:
    for block in blocks(page):
        if block.language in ("yaml", "json", "toml", "python"):
            assert _load(block.language, block.text)


def test_the_action_is_used_with_its_own_inputs() -> None:
    inputs = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    workflow = yaml.safe_load(next(one.text for one in blocks(PROJECT / "docs" / "ci.md") if "OWNER/" in one.text))
    used = [step for step in workflow["jobs"]["test"]["steps"] if "loopdiag" in step.get("uses", "")]
    assert used
    assert all(step["with"].keys() <= inputs.keys() for step in used)
