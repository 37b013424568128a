"""The acceptance test: every host of the lab is built, asked, and must get its true diagnosis."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from loopdiag.lab.build import Runner
from loopdiag.lab.library import load, names, path_of
from loopdiag.lab.score import graded, score
from tests.conftest import PROMISED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopdiag.lab.score import Score

pytestmark = pytest.mark.needs("root", "unshare", "setpriv", "ip")


@pytest.fixture(scope="module")
def score_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Score]]:
    """The scores of all scenarios that were picked, run side by side and handed out as they are asked for."""
    picked = [item.callspec.params["name"] for item in request.session.items if item.path == request.path]  # type: ignore[attr-defined]
    coming = score([(path_of(name), load(name)) for name in picked], os.cpu_count() or 1)
    known: dict[str, Score] = {}

    def wait_for(name: str) -> Score:
        while name not in known:
            one = next(coming)
            known[one.name] = one
        return known[name]

    yield wait_for
    coming.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", names())
def test_diagnosis(name: str, score_of: Callable[[str], Score]) -> None:
    one = score_of(name)
    if one.lacks and one.lacks not in PROMISED:
        pytest.skip(f"needs the program {one.lacks}")
    assert not one.lacks
    if one.faults and all(fault.startswith("took ") for fault in one.faults):
        one = graded(load(name), Runner().report(path_of(name), load(name)))  # once more, with the machine to itself
    assert not one.faults, f"found {one.found}"
