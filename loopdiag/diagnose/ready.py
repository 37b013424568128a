"""Wait for a target, and say why where it does not come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from loopdiag.diagnose.attempts import Attempts
from loopdiag.diagnose.why import MOST_ADDRESSES, why
from loopdiag.model.report import Verdict
from loopdiag.model.target import PLAIN, parse_target
from loopdiag.probes.resolve import resolve_addresses

if TYPE_CHECKING:
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target

SHORTEST, LONGEST = 0.002, 0.05  # seconds between two looks, the first and the last
ONE_ATTEMPT = 0.5


def wait_until_ready(target: str, timeout: float) -> Report | None:
    """None as soon as `target` answers; the diagnosis when it has not within `timeout` seconds.

    An application's URL (http://...) answers when the service does what is asked of it, any other target when a
    connection, echo or datagram gets its answer from one address. Raises UsageError for what cannot be a target.
    """
    wanted = parse_target(target)
    end = time.monotonic() + timeout
    pause = SHORTEST
    while not _ready(wanted, end - time.monotonic()):
        left = end - time.monotonic()
        if left <= 0:
            report = why(wanted)
            return report if report.verdict in (Verdict.BROKEN, Verdict.UNKNOWN) else None
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST)
    return None


def _ready(target: Target, left: float) -> bool:
    longest = max(0.01, min(left, ONE_ATTEMPT))
    addresses: tuple[str, ...] = ()
    if target.host is not None:
        addresses = tuple(str(one) for one in resolve_addresses(target.host, None).addresses[:MOST_ADDRESSES])
    if not any(one.outcome.good for one in Attempts(target, longest).run(addresses).observations):
        return False
    if target.scheme in (*PLAIN, "unix"):
        return True
    return why(target, timeout=longest).verdict in (Verdict.WORKS, Verdict.DEGRADED)
