"""`ping`: echo requests through real sockets, then the facts that explain what became of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.diagnose.gather import Question, gather
from loopdiag.diagnose.needs import is_late, topics_for
from loopdiag.diagnose.session import Session
from loopdiag.explain.icmp import story
from loopdiag.explain.icmp.echoes import crossings
from loopdiag.host.portable import with_link_details
from loopdiag.host.read import read
from loopdiag.model.case import Case
from loopdiag.model.observation import Outcome
from loopdiag.probes.icmp import stamps
from loopdiag.probes.icmp.engine import HOPELESS
from loopdiag.probes.icmp.ledger import nothing_sent
from loopdiag.probes.icmp.probe import EchoRun, ping_address
from loopdiag.probes.resolve import resolve_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopdiag.model.address import Address
    from loopdiag.model.counters import Counters
    from loopdiag.model.echo import EchoEvent, IcmpEcho
    from loopdiag.model.facts import Facts
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target
    from loopdiag.model.unknown import Unknown
    from loopdiag.probes.icmp.control import Control
    from loopdiag.probes.icmp.options import EchoOptions
    from loopdiag.probes.resolve import Resolution

_WORKED = ("interfaces", "rules", "route")
_OF_A_NAME = ("answers", "names")
_OF_SOCKETS = ("sysctls", "sandbox", "cgroup_programs")
_OF_PORTS = frozenset({"listeners", "sockets", "elsewhere", "unix_sockets"})  # which ICMP does not have


def ping(
    target: Target, options: EchoOptions, *, family: int | None = None,
    watch: Callable[[EchoEvent], None] | None = None, control: Control | None = None,
) -> Report:  # fmt: skip
    """The report of pinging the target's host; `watch` is told of everything as it happens.

    Of a name's addresses the first is pinged to which anything can be sent, as ping does. Raises UsageError for
    options that cannot be had.
    """
    session = Session("ping")
    with stamps.kept_on():
        resolution = resolve_addresses(target.host or "", family)
        addresses = resolution.addresses
        before = read("counters")
        runs = _runs(addresses, options, target, watch, control)
    seen = [one for run in runs for one in run.observations]
    if runs and watch:
        watch(runs[-1].statistics)
    facts = _facts(target, resolution, seen, before)
    if isinstance(facts.interfaces, tuple) and not options.quiet:
        # psutil takes some 25 ms to load: after the last reply, and only where the interface is shown
        facts = replace(facts, interfaces=with_link_details(facts.interfaces))
    case = Case("ping", target, tuple(seen), facts)
    return session.judged(target, seen, facts, story.summary, _extra(case, runs))


def _runs(
    addresses: Sequence[Address], options: EchoOptions, target: Target, watch: Callable[[EchoEvent], None] | None,
    control: Control | None,
) -> list[EchoRun]:  # fmt: skip
    runs: list[EchoRun] = []
    for address in addresses:
        runs.append(ping_address(address, options, host=target.input, control=control, watch=watch))
        if not _nowhere(runs[-1].observations) or (control and control.stopped):
            break
    return runs


def _nowhere(seen: Sequence[IcmpEcho]) -> bool:
    """Nothing could be sent there, for a reason that another address need not have."""
    return bool(seen) and all(one.failed_call and one.errno in HOPELESS for one in seen)


def _facts(target: Target, resolution: Resolution, seen: Sequence[IcmpEcho], before: Counters | Unknown) -> Facts:
    from loopdiag.diagnose.topics import TOPICS

    question = Question(
        target=target, addresses=tuple(map(str, resolution.addresses)), observations=tuple(seen), protocol="icmp",
        before=before, resolution=resolution,
    )  # fmt: skip
    silent = [] if any(one.outcome.good for one in seen) else [one for one in seen if one.outcome is Outcome.TIMED_OUT]
    wanted = [*_WORKED, *(() if target.address else _OF_A_NAME)]
    sent = [one for one in seen if one.failed_call != "socket"]
    if any(not one.outcome.good for one in sent):
        wanted += [topic for topic in topics_for(sent) if topic not in _OF_PORTS]
    if any(one.errno == "ENOBUFS" or is_late(one) for one in sent):
        wanted.append("qdiscs")  # a queue that is full tells a raw socket so; one that holds back is late
    if len(sent) < len(seen):
        wanted += _OF_SOCKETS
    facts = gather(question, ("counters",))
    if silent:
        facts = replace(facts, drops=_drops(silent[0]))
    return gather(question, [topic for topic in dict.fromkeys(wanted) if topic in TOPICS], facts)


def _drops(silent: IcmpEcho) -> Any:
    """What the kernel's own record says of one more request, where this user may read it."""
    from loopdiag.probes.echo_once import echo_once

    return read("drops", lambda: echo_once(silent.address, 0.0))


def _extra(case: Case, runs: Sequence[EchoRun]) -> dict[str, Any]:
    """What only ping's report has; `observations_left_out` counts the requests of a long run without their own."""
    if not runs:
        return {"statistics": nothing_sent(), "ping": None}
    crossed = crossings(case.facts)
    return {
        "statistics": runs[-1].statistics,
        "ping": runs[-1].plan,
        "packets": None if crossed is None else dict(crossed),
        "explanation": story.explanation(case),
        "observations_left_out": runs[-1].left_out,
    }
