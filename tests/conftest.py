"""Fixtures: privileges and programs that a test needs, and hosts of the test's own."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.host import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the machine is known to have, as words: there, a test that lacks one of them fails instead of being skipped.
PROMISED = set(os.environ.get("LOOPDIAG_TESTS_HAVE", "").split())


def lacks(what: str) -> str | None:
    """Why this machine cannot run a test that needs `what` (root, or the name of a program); None when it can."""
    if what == "root":
        return None if hasattr(os, "geteuid") and os.geteuid() == 0 else "needs root"
    if what == "user":
        return None if hasattr(os, "geteuid") and os.geteuid() != 0 else "needs to run as an ordinary user"
    return None if shutil.which(what) else f"needs the program {what}"


@pytest.fixture(autouse=True)
def _needs(request: pytest.FixtureRequest) -> None:
    for marker in request.node.iter_markers("needs"):
        for what in marker.args:
            reason = lacks(what)
            if reason and what in PROMISED:
                pytest.fail(f"{reason}, which this machine was said to have")
            if reason:
                pytest.skip(reason)


@pytest.fixture
def host() -> Iterator[Host]:
    """A host of the test's own: fresh network, mount, UTS and PID namespaces with lo down. Needs root."""
    with Host() as fresh:
        yield fresh
