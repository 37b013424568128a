"""action.yml: what a workflow passes in is data, and the step says what loopdiag says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.host import PROJECT

ACTION: dict[str, Any] = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs the program bash")


def ask(folder: Path, target: str, *, command: str = "why", options: str = "") -> subprocess.CompletedProcess[str]:
    """The last step as the runner would run it, with this working tree in place of what the first one installs."""
    (folder / "temp").mkdir()
    (folder / "temp" / "loopdiag").symlink_to(PROJECT)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[-1]["run"]],
        capture_output=True, text=True, timeout=60, cwd=folder,
        env={**os.environ, "PATH": path, "RUNNER_TEMP": str(folder / "temp"), "GITHUB_OUTPUT": str(folder / "output"),
             "GITHUB_STEP_SUMMARY": str(folder / "summary"), "COMMAND": command, "TARGET": target,
             "OPTIONS": options, "AS_ROOT": "false"},
    )  # fmt: skip


def test_the_outputs_and_the_summary(tmp_path: Path) -> None:
    done = ask(tmp_path, "127.0.0.1", command="route")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("loopdiag route 127.0.0.1: works: ")
    assert (tmp_path / "output").read_text().startswith("verdict=works\n")
    assert "### ✅ route" in (tmp_path / "summary").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["$(touch hit)", "`touch hit`", '"; touch hit; "', "a\nb; touch hit", "x' y"])
def test_an_input_is_never_run(target: str, tmp_path: Path) -> None:
    done = ask(tmp_path, target)
    assert done.returncode == 2
    assert not (tmp_path / "hit").exists()


def test_a_target_is_no_option(tmp_path: Path) -> None:
    done = ask(tmp_path, "--output=hit")
    assert done.returncode == 2
    assert "'--output=hit' is no target" in done.stderr
    assert not (tmp_path / "hit").exists()


@pytest.mark.parametrize("command", ["", "--help", "why;id", "../why"])
def test_a_command_is_a_word(command: str, tmp_path: Path) -> None:
    assert "is no command of loopdiag" in ask(tmp_path, "127.0.0.1", command=command).stderr


def test_options_are_one_a_line(tmp_path: Path) -> None:
    done = ask(tmp_path, "127.0.0.1", command="route", options="-6\n\n--strict\n")
    assert done.returncode in (1, 2)  # an IPv4 address, IPv6 only: the option came through
    assert "No such option" not in done.stderr


def test_a_file_of_checks_is_a_target(tmp_path: Path) -> None:
    (tmp_path / "loopdiag.toml").write_text(
        '[[interface]]\ntarget = "lo"\n[[resolve]]\ntarget = "localhost"\nexpect = ["127.0.0.99"]'
    )
    done = ask(tmp_path, "loopdiag.toml", command="check")
    assert done.returncode == 1, done.stderr
    assert "localhost" in done.stdout.splitlines()[0]


def test_no_expression_stands_in_a_script() -> None:
    for step in STEPS:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"


def test_every_input_and_output_is_described() -> None:
    for kind in ("inputs", "outputs"):
        assert all(one["description"] for one in ACTION[kind].values())


@pytest.mark.needs("shellcheck")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step["name"]))
def test_shellcheck_finds_nothing(step: dict[str, Any]) -> None:
    done = subprocess.run(["shellcheck", "-s", "bash", "-"], input=step["run"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).parent / "zizmor"
    if not zizmor.exists():
        pytest.skip("needs zizmor, of the dependency group lint")
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", PROJECT / "action.yml", *WORKFLOWS], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
