"""A plugin for pytest: the fixture `wait_for`, whose failure is the diagnosis.

    def test_the_front_page(wait_for):
        wait_for("http://localhost:8080/health", timeout=20)

It is found by its entry point; nothing of loopdiag is loaded before the fixture is called.
"""

from __future__ import annotations

from typing import Protocol

import pytest


class WaitFor(Protocol):
    """`target` is any TARGET of the command line; `timeout` is in seconds."""

    def __call__(self, target: str, *, timeout: float = 30.0) -> None: ...


@pytest.fixture(scope="session")
def wait_for() -> WaitFor:
    """Return as soon as a target answers: wait_for("localhost:5432", timeout=10). A time-out fails with the reason."""
    return _wait_for


def _wait_for(target: str, *, timeout: float = 30.0) -> None:
    __tracebackhide__ = True
    from loopdiag.cli.deliver import page
    from loopdiag.diagnose.ready import wait_until_ready

    report = wait_until_ready(target, timeout)
    if report is not None:
        pytest.fail(f"{target} did not answer within {timeout:g} s\n\n{page(report)}", pytrace=False)
