"""`lab` and `explain` as typed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.host import PROJECT


def loopdiag(*words: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
    become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if user == "nobody" else []
    return subprocess.run([*become, sys.executable, "-m", "loopdiag", *words], capture_output=True, text=True,
                          cwd=PROJECT, timeout=60)  # fmt: skip


def widest(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def test_list_and_show_work_for_everybody() -> None:
    listed = loopdiag("lab", "list")
    assert listed.returncode == 0
    assert "offline" in listed.stdout
    assert widest(listed.stdout) <= 80
    shown = loopdiag("lab", "show", "offline")
    assert shown.returncode == 0
    assert "lo up" in shown.stdout
    assert "healthy" in shown.stdout
    assert widest(shown.stdout) <= 80


def test_list_and_show_as_json() -> None:
    every = json.loads(loopdiag("lab", "list", "--json").stdout)
    assert every["schema"] == "loopdiag/1"
    one = json.loads(loopdiag("lab", "show", "offline", "--json").stdout)
    assert one["scenarios"][0]["name"] == "offline"
    assert one["scenarios"][0] in every["scenarios"]


def test_an_unknown_scenario_is_usage() -> None:
    done = loopdiag("lab", "show", "ofline")
    assert done.returncode == 2
    assert "did you mean 'offline'?" in done.stderr


@pytest.mark.needs("root", "setpriv")
@pytest.mark.parametrize("words", [("run", "offline"), ("shell", "offline"), ("score", "offline")])
def test_without_root_the_missing_right_is_named(words: tuple[str, str]) -> None:
    done = loopdiag("lab", *words, user="nobody")
    assert done.returncode == 3
    assert "needs root (CAP_SYS_ADMIN" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.needs("root", "unshare", "ip")
def test_run_asks_another_question() -> None:
    done = loopdiag("lab", "run", "offline", "interfaces", "--json")
    document = json.loads(done.stdout)
    assert document["command"] == "interfaces"
    assert [one["name"] for one in document["facts"]["interfaces"]] == ["lo"]


@pytest.mark.needs("root", "unshare", "ip")
def test_score_as_json() -> None:
    document = json.loads(loopdiag("lab", "score", "offline", "--json").stdout)
    assert document["command"] == "lab score"
    assert [one["name"] for one in document["scenarios"]] == ["offline"]


def test_explain_lists_all_causes() -> None:
    listed = loopdiag("explain")
    assert listed.returncode == 0
    assert "listener-other-family" in listed.stdout
    assert widest(listed.stdout) <= 80
    assert len(json.loads(loopdiag("explain", "--json").stdout)["causes"]) == 72


def test_explain_one() -> None:
    page = loopdiag("explain", "filter-drops")
    assert page.returncode == 0
    assert widest(page.stdout) <= 80
    told = json.loads(loopdiag("explain", "filter-drops", "--json").stdout)["causes"][0]
    assert told["section"] == "Packet filter and its relatives"


def test_an_unknown_cause_gets_the_nearest() -> None:
    done = loopdiag("explain", "no-listner")
    assert done.returncode == 2
    assert "did you mean 'no-listener'?" in done.stderr
