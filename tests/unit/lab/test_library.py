"""The scenarios as a set: every cause that this kernel can show has one."""

from __future__ import annotations

from collections import Counter

import pytest

from loopdiag.explain.causes import NAMES
from loopdiag.lab.library import load, load_all, names
from loopdiag.model.errors import UsageError

# Causes that no Linux host can be built to show, and why.
NOT_HERE = {
    "port-excluded": "the excluded port ranges are Windows'",
}


def shown() -> Counter[str]:
    return Counter(cause for one in load_all() for cause in (*one.expect.cause, *one.expect.also))


@pytest.mark.parametrize("name", names())
def test_every_file_is_a_scenario(name: str) -> None:
    scenario = load(name)
    assert scenario.expect.verdict, "a scenario says what the verdict must be"
    assert len(scenario.title) <= 120
    assert len(name) <= 38, "longer names do not fit the table of scores"
    if scenario.section == "healthy":
        assert scenario.expect.verdict == ("works",)
    else:
        assert any((scenario.expect.cause, scenario.expect.also, scenario.expect.never, scenario.expect.says))


def test_every_cause_that_this_kernel_can_show_has_a_scenario() -> None:
    have = shown()
    assert [cause for cause in NAMES if not have[cause] and cause not in NOT_HERE] == []


def test_what_cannot_be_shown_is_not_shown() -> None:
    assert [cause for cause in NOT_HERE if shown()[cause]] == []


def test_there_are_enough() -> None:
    every = load_all()
    assert len(every) >= 70
    assert sum(one.section == "healthy" for one in every) >= 12


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'offline'"):
        load("ofline")


def test_a_file_that_cannot_be_read_is_said() -> None:
    with pytest.raises(UsageError, match="No such file"):
        load("./nowhere.toml")
