"""Wait for one target, as a library does it: by its name, with the diagnosis where it does not come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.diagnose.wait import wait
from loopdiag.model.readiness import Wish
from loopdiag.model.report import Verdict
from loopdiag.model.target import parse_awaited

if TYPE_CHECKING:
    from loopdiag.model.report import Report


def wait_until_ready(target: str, timeout: float) -> Report | None:
    """None as soon as `target` answers; the diagnosis when it has not within `timeout` seconds.

    What it is to answer is as for the command `wait`. Raises UsageError for what cannot be a target.
    """
    report = wait([parse_awaited(target)], Wish(timeout=timeout))
    return None if report.verdict is Verdict.WORKS else report
