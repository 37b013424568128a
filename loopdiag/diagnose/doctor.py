"""`doctor`: the whole checklist of a host's own loopback."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from loopdiag.diagnose.checkup import probing, sockets, surroundings
from loopdiag.diagnose.checkup.result import skipped
from loopdiag.diagnose.session import Session
from loopdiag.explain.settle import roots
from loopdiag.model.checkup import CheckResult, State
from loopdiag.model.errors import UsageError
from loopdiag.model.facts import Facts
from loopdiag.model.report import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from loopdiag.diagnose.checkup.result import Looked
    from loopdiag.model.finding import Finding
    from loopdiag.model.report import Report


NOT_ASKED = "not asked for"


class Check(NamedTuple):
    """A check by name, what it wants to see, and the function that looks."""

    name: str
    wants: str
    look: Callable[[], Looked]


# In the order of the layers: what a later check sees may follow from what an earlier one found.
CHECKS: tuple[Check, ...] = (
    Check("interfaces", "lo is up, with 127.0.0.1 and ::1", probing.interfaces),
    Check("localhost", "localhost gives the loopback addresses", probing.localhost),
    Check("own-name", "the host's own name is an address of its own", surroundings.own_name),
    Check("echo-ipv4", "127.0.0.1 answers an echo request", probing.echo_four),
    Check("echo-ipv6", "::1 answers an echo request", probing.echo_six),
    Check("echo-settings", "the kernel answers echo requests", surroundings.echo_settings),
    Check("tcp-ipv4", "a listener on 0.0.0.0 is reached by all local addresses", probing.tcp_four),
    Check("tcp-ipv6", "one on :: is, too", probing.tcp_six),
    Check("udp-ipv4", "a datagram to 127.0.0.1 is answered", probing.udp_four),
    Check("queueing", "nothing delays or drops on lo", surroundings.queueing),
    Check("conntrack", "the connection tracking table has room", surroundings.conntrack),
    Check("accept-queues", "no accept queue is full", sockets.accept_queues),
    Check("accepting", "every listener's process can accept", sockets.accepting),
    Check("source-ports", "source ports are left", sockets.source_ports),
    Check("proxies", "proxy variables leave localhost alone", surroundings.proxies),
    Check("exposed", "no development server is open to the network", sockets.exposed),
)


def doctor(only: Collection[str] = (), skip: Collection[str] = ()) -> Report:
    """Run the checks: those in `only` where it names any, without those in `skip`; UsageError for a wrong name."""
    for name in (*only, *skip):
        _known(name)
    session = Session("doctor")
    results = tuple(_run(check, only, skip) for check in CHECKS)
    findings = _root_causes(results)
    return session.report(
        None,
        _verdict(results),
        _summary(results),
        findings=findings,
        facts=Facts(),
        unknown=[gap for one in results for gap in one.unknown],
        extra={"checkup": results},
    )


def _known(name: str) -> None:
    names = [check.name for check in CHECKS]
    if name not in names:
        from difflib import get_close_matches

        near = get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise UsageError(f"'{name}' is no check of doctor: {hint}")


def _run(check: Check, only: Collection[str], skip: Collection[str]) -> CheckResult:
    began = time.monotonic()
    wanted = check.name not in skip and (not only or check.name in only)
    looked = check.look() if wanted else skipped(NOT_ASKED)
    return CheckResult(
        name=check.name,
        state=looked.state,
        says=looked.says,
        seconds=time.monotonic() - began,
        findings=looked.findings,
        unknown=looked.unknown,
    )


def _root_causes(results: Sequence[CheckResult]) -> tuple[Finding, ...]:
    """Each cause once that follows from no other, in the order of the layers: failed checks before those that warn."""
    ordered = sorted(results, key=lambda one: one.state is not State.FAILED)
    by_cause: dict[str, Finding] = {}
    for finding in roots(finding for one in ordered for finding in one.findings):
        by_cause.setdefault(finding.cause, finding)
    return tuple(by_cause.values())


def _verdict(results: Sequence[CheckResult]) -> Verdict:
    states = {one.state for one in results}
    if State.FAILED in states:
        return Verdict.BROKEN
    if State.WARNED in states:
        return Verdict.DEGRADED
    return Verdict.WORKS if State.PASSED in states else Verdict.UNKNOWN


def _summary(results: Sequence[CheckResult]) -> str:
    wrong = [one for one in results if one.state in (State.FAILED, State.WARNED)]
    seen = sum(one.state is not State.SKIPPED for one in results)
    if not wrong:
        return f"this host reaches itself: {seen} checks, nothing to mend"
    failed = sum(one.state is State.FAILED for one in wrong)
    first = min(wrong, key=lambda one: one.state is not State.FAILED)
    return f"{failed} of {seen} checks failed, {len(wrong) - failed} warn; first: {first.says}"
