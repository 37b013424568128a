"""Whatever is typed: one sentence on stderr, exit 2, no traceback, nothing on stdout."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

WRONG = [
    ["why"],
    ["why", ""],
    ["why", "localhost:65536"],
    ["why", "localhost:http"],
    ["why", "ftp://localhost"],
    ["why", "[::1"],
    ["ping", "[::1"],
    ["ping", "[::1]:80"],
    ["why", "unix:relative"],
    ["why", "fe80::1%nosuch0"],
    ["why", "-4", "-6", "localhost"],
    ["why", "-6", "127.0.0.1"],
    ["why", "localhost:1", "--timeout", "0"],
    ["why", "localhost:1", "--timeout", "soon"],
    ["why", "localhost:1", "--format", "yaml"],
    ["why", "localhost:1", "--output", "/nonexistent/folder/file"],
    ["why", "localhost:1", "--netns", "nosuch"],
    ["why", "localhost:1", "--pid", "4194999"],
    ["ping"],
    ["ping", "256.1.1.1"],
    ["ping", "-c", "0", "127.0.0.1"],
    ["ping", "-s", "70000", "127.0.0.1"],
    ["ping", "-t", "999", "127.0.0.1"],
    ["ping", "-I", "nosuch0", "127.0.0.1"],
    ["connect", "localhost"],
    ["connect", "localhost", "99999"],
    ["connect", "localhost:1", "2"],
    ["resolve", "a..b"],
    ["resolve", "x" * 300],
    ["route", "1:2:3"],
    ["route", "localhost:80"],
    ["bind-test", "300.0.0.1"],
    ["bind-test", "0.0.0.0", "--port", "-1"],
    ["explain", "no-listner"],
    ["lab", "show", "nosuch"],
    ["doctor", "--only", "nosuch"],
    ["nosuch"],
    ["--nosuch"],
]


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loopdiag", *words], capture_output=True, text=True, timeout=30, check=False, cwd=cwd
    )


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_one_sentence_and_exit_2(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("loopdiag: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_mistyped_cause_is_answered_with_the_nearest() -> None:
    assert "no-listener" in run("explain", "no-listner").stderr


def test_control_characters_typed_are_not_echoed() -> None:
    for words in (["why", "ftp\x1b[2J://localhost"], ["explain", "no\x1b[2J"], ["why", "localhost:\x1b[2J"]):
        said = run(*words).stderr
        assert "\x1b" not in said
        assert "\\x1b" in said


def test_a_file_that_cannot_be_written_loses_no_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert run("resolve", "localhost", "--output", str(folder / "missing" / "file")).returncode == 2
    assert list(folder.iterdir()) == []


def test_no_command_prints_the_help_and_exits_2() -> None:
    done = run()
    assert done.returncode == 2
    assert "Commands" in done.stderr
