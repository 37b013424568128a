"""The lab leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loopdiag.lab.build import Runner, end_all
from loopdiag.lab.library import load, path_of
from loopdiag.lab.scenario import parse_scenario
from tests.host import PROJECT

pytestmark = pytest.mark.needs("root", "unshare", "setpriv", "ip", "ss")

SCENARIO = """
title = "a host with a bit of everything"
section = "healthy"
about = "What the engine must be able to take down."
steps = [{steps}]
ask = ["--version"]
[expect]
verdict = ["works"]
"""
BUSY = (
    '"lo up", "cable up0 10.1.2.3/24", "neighbour box wire0 10.4.4.1/24 10.4.4.2/24", "at box serve 10.4.4.2:80 http",'
    ' "serve 127.0.0.1:8080 http", "stop", "serve 127.0.0.1:81 inherited", "start echo up; sleep 1000 & sleep 1000"'
)


@pytest.fixture(autouse=True)
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every process that a test's lab starts inherits this variable, whatever else runs on the machine."""
    monkeypatch.setenv("LOOPDIAG_TEST_MARK", str(tmp_path))
    return f"LOOPDIAG_TEST_MARK={tmp_path}"


def marked(mark: str) -> list[str]:
    """The processes of this machine that have the mark; this one got it too late to show it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def write(folder: Path, steps: str) -> Path:
    file = folder / "busy.toml"
    file.write_text(SCENARIO.format(steps=steps))
    return file


def shell_in(file: Path, script: str) -> subprocess.Popen[str]:
    program = file.parent / "script.sh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return subprocess.Popen(
        [sys.executable, "-m", "loopdiag", "lab", "shell", str(file)], stdout=subprocess.PIPE, text=True, cwd=PROJECT,
        stderr=subprocess.PIPE, env={**os.environ, "SHELL": str(program)}, start_new_session=True,
    )  # fmt: skip


def wait_until_gone(mark: str) -> None:
    end = time.monotonic() + 10
    while marked(mark):
        assert time.monotonic() < end, "something is left"
        time.sleep(0.01)


def test_a_shell_sees_the_host_and_returns_its_status(tmp_path: Path) -> None:
    file = write(tmp_path, BUSY + ', "env GREETING=hello there"')
    with shell_in(file, 'ss -Htln; echo "$GREETING"; cat /etc/hosts; exit 7') as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 7, err
    assert "127.0.0.1:8080" in out
    assert "hello there" in out
    assert "::1 localhost" in out


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_a_signal(tmp_path: Path, mark: str, how: signal.Signals) -> None:
    with shell_in(write(tmp_path, BUSY), "echo inside; sleep 1000") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        assert len(marked(mark)) > 5
        process.send_signal(how)
        process.wait(10)
    wait_until_gone(mark)


def test_a_failing_step_is_said_and_nothing_is_left(tmp_path: Path, mark: str) -> None:
    file = write(tmp_path, BUSY + ', "ip link set nowhere up"')
    run = Runner().report(file, parse_scenario("busy", file.read_text()))
    assert run.fault is not None
    assert run.fault.startswith("step 9 (ip link set nowhere up): 'ip' failed: Cannot find device")
    assert marked(mark) == []


def test_an_answer_that_never_comes_is_cut_off(tmp_path: Path, mark: str) -> None:
    file = write(tmp_path, BUSY + ", \"under sh -c 'exec sleep 1000'\"")
    run = Runner().report(file, parse_scenario("busy", file.read_text()), longest=4)
    assert run.fault == "no answer within 4 s"
    assert marked(mark) == []


def test_a_cgroup_goes_with_its_scenario(tmp_path: Path) -> None:
    from loopdiag.lab.cgroup import hierarchy

    root = hierarchy()
    if root is None:
        pytest.skip("needs a cgroup2 hierarchy")
    file = write(tmp_path, '"lo up", "confine cgroup connect4 connect6"')
    with shell_in(file, "cat /proc/self/cgroup") as process:
        out, _ = process.communicate(timeout=60)
    assert "loopdiag-lab-" in out
    assert not list(root.glob("loopdiag-lab-*"))


def test_end_all_takes_what_has_ended_already() -> None:
    with subprocess.Popen(["true"], text=True) as process:
        process.wait()
        end_all(process)


def test_the_machine_has_no_say_in_a_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    monkeypatch.setenv("RES_OPTIONS", "attempts:9")
    with shell_in(write(tmp_path, '"lo up"'), "env; ls /run; hostname; cat /etc/resolv.conf") as process:
        out, _ = process.communicate(timeout=60)
    assert "proxy" not in out
    assert "RES_OPTIONS" not in out
    assert "\nlab\n" in out


def test_the_offline_scenario_is_one() -> None:
    run = Runner().report(path_of("offline"), load("offline"))
    assert run.fault is None
    assert run.seconds is not None
