"""Read as the runner reads a step's output: workflow commands, the job summary, the outputs file."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from loopdiag.cli.github import publish
from loopdiag.model.errors import UsageError
from loopdiag.model.finding import Severity
from loopdiag.report.formats import Layout, render
from loopdiag.report.github import summary
from tests.unit.report.machine import FINDING, HEALTHY, NASTY, TROUBLED

if TYPE_CHECKING:
    from pathlib import Path

    from loopdiag.model.report import Report

COMMAND = re.compile(r"::(?P<name>[a-z-]+)(?: (?P<properties>[^:]*))?::(?P<message>.*)")


def unescaped(text: str, *more: tuple[str, str]) -> str:
    for code, letter in (*more, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, letter)
    return text


def commands(report: Report) -> list[tuple[str, str, str]]:
    found = []
    for line in render(report, "github", Layout()).split("\n"):
        assert "\r" not in line
        assert "##[" not in line
        command = COMMAND.match(line.lstrip())
        if command:
            title = unescaped(command["properties"].removeprefix("title="), ("%2C", ","), ("%3A", ":"))
            found.append((command["name"], title, unescaped(command["message"])))
    return found


def test_what_works_is_said_on_a_line_without_annotation() -> None:
    assert commands(HEALTHY) == []
    assert render(HEALTHY, "github", Layout()) == "loopdiag why localhost:3000: works: localhost:3000 answers\n"


def test_a_finding_is_an_annotation() -> None:
    ((kind, title, message),) = commands(TROUBLED)
    assert (kind, title) == ("error", "loopdiag: listener-other-family (likely)")
    lines = message.split("\n")
    assert lines[0].endswith("listens on 127.0.0.1:3000 only")
    assert lines[1].startswith("because tcp-connect [::1]:3000: refused")
    assert "to mend: listen on ::" in lines
    assert "%0A `@me`" in lines[0]  # written by an outsider, and still what it was


@pytest.mark.parametrize(
    ("severity", "kind"), [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.NOTE, "notice")]
)
def test_at_most_ten_of_a_kind(severity: Severity, kind: str) -> None:
    many = replace(TROUBLED, findings=(replace(FINDING, severity=severity),) * 12)
    assert [name for name, _, _ in commands(many)] == [kind] * 10


def test_a_summary_that_is_a_command_stays_text() -> None:
    assert commands(replace(HEALTHY, summary=f"a\n::error::{NASTY}")) == []


def test_the_summary_tells_everything() -> None:
    text = summary(TROUBLED, Layout())
    assert text.startswith("### ❌ why localhost")
    assert "**listener-other-family** (error, likely)" in text
    assert "| ❌ | tcp-connect" in text
    assert "Not seen:" in text
    assert text.endswith("\n\n")


def test_the_summary_holds_no_markup_of_outsiders() -> None:
    text = summary(TROUBLED, Layout())
    assert "<b>" not in text
    assert not re.search(r"(?<!\\)[`@]", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows)


def test_the_files_are_appended_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, results = tmp_path / "summary", tmp_path / "outputs"
    results.write_text("before=1\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setenv("GITHUB_OUTPUT", str(results))
    publish(TROUBLED, Layout())
    publish(HEALTHY, Layout())
    assert results.read_text().splitlines() == [
        "before=1", "verdict=broken", "cause=listener-other-family", "verdict=works", "cause=",
    ]  # fmt: skip
    assert page.read_text(encoding="utf-8").count("### ") == 2


def test_elsewhere_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    publish(TROUBLED, Layout())


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(UsageError, match="GITHUB_STEP_SUMMARY"):
        publish(HEALTHY, Layout())
