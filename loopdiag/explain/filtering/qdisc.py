"""`qdisc-on-loopback`: a queueing discipline or a tc filter on lo drops packets, or holds them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loopdiag.explain.evidence import known
from loopdiag.explain.filtering.attempts import Attempt, attempts, failed, half_open, unacknowledged
from loopdiag.explain.listeners.refused import is_own
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity
from loopdiag.model.routed import routed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.limits import Qdisc, TrafficFilter

# kernel drop reasons that a discipline or a tc filter gives: include/net/dropreason-core.h
REASONS = ("QDISC_DROP", "QDISC_OVERLIMIT", "QDISC_CONGESTED", "TC_EGRESS", "TC_INGRESS", "FULL_RING", "CPU_BACKLOG")
SLOW = 0.05  # seconds; lo answers within a tenth of a millisecond
ROUND_TRIP = 3  # times the delay of each packet, which may vary: there and back, and half as much again
SMALLEST = 54  # bytes of a SYN without options, link header included
SLOW_RATE = 1_250_000  # bytes a second: a rate that people feel
NOT_SENT = ("ENOBUFS",)  # what a dropping discipline gives to raw sockets, and to UDP with IP_RECVERR


class Trouble(NamedTuple):
    """What a discipline does wrong, in words, and how certain it is that it did."""

    qdisc: Qdisc
    what: str
    certainty: Certainty
    so: str = "does not arrive"


def qdisc_on_loopback(case: Case) -> Iterator[Finding]:
    """Blamed only where it dropped, holds packets back, or must; a discipline that lets all pass is none."""
    qdiscs = known(case.facts.qdiscs) or ()
    silent = [one for one in failed(case) if (one.silent or _not_sent(one)) and _unexplained(one)]
    silent += [one for one in attempts(case) if _stands(case, one) and _unexplained(one)]
    for qdisc in qdiscs if silent else ():
        trouble = _outwaited(silent[0], qdisc) or dropping(case, qdisc)
        if trouble:
            yield _finding(case, silent[0], trouble, Severity.ERROR)
            return
    for qdisc in qdiscs:
        slow = next((one for one in attempts(case) if _slow(one) and is_own(case, routed(one.seen[0].address))), None)
        if slow and (qdisc.delay or qdisc.rate):
            yield _finding(case, slow, Trouble(qdisc, _delays(qdisc), Certainty.LIKELY), Severity.WARNING)
            return


def _stands(case: Case, attempt: Attempt) -> bool:
    """The connection came about, and what followed did not arrive."""
    return bool(half_open(case, attempt) or unacknowledged(case, attempt))


def _unexplained(attempt: Attempt) -> bool:
    """No rule of the packet filter stopped the packet before."""
    return all(path.verdict == "accept" for path in attempt.paths)


def _not_sent(attempt: Attempt) -> bool:
    return any(one.errno in NOT_SENT for one in attempt.failures)


def _slow(attempt: Attempt) -> bool:
    return any(one.outcome.good and one.seconds is not None and one.seconds > SLOW for one in attempt.seen)


def _outwaited(attempt: Attempt, qdisc: Qdisc) -> Trouble | None:
    """It loses nothing, but an answer takes longer than anybody waited for it."""
    waited = max((one.seconds or 0.0 for one in attempt.failures), default=0.0)
    if not qdisc.delay or qdisc.drops or not 0 < waited < ROUND_TRIP * qdisc.delay:
        return None
    return Trouble(qdisc, _delays(qdisc), Certainty.LIKELY, "does not arrive in time")


def dropping(case: Case, qdisc: Qdisc) -> Trouble | None:
    """What it does to packets that they do not survive, if anything."""
    recorded = any(drop.reason in REASONS for drop in known(case.facts.drops) or ())
    sure = Certainty.PROVEN if recorded or _nothing_left(case) else Certainty.LIKELY
    bad = next((one for one in qdisc.filters if one.dropped or "drop" in one.actions or one.kind == "bpf"), None)
    if bad and (bad.dropped or qdisc.drops or recorded):
        return Trouble(qdisc, _filter_drops(bad, qdisc), sure)
    thief = next((one for one in qdisc.filters if _steals(one) and one.packets), None)
    if thief:
        return Trouble(qdisc, f"has {_named(thief)} that sent {_packets(thief.packets)} elsewhere", Certainty.LIKELY)
    never = _lets_nothing_through(qdisc)
    if never:
        return Trouble(qdisc, never, Certainty.PROVEN)
    if qdisc.drops:
        return Trouble(qdisc, f"has dropped {_packets(qdisc.drops)}", sure)
    if qdisc.backlog:
        return Trouble(qdisc, f"holds back {_packets(qdisc.backlog)}{_rate(qdisc)}", Certainty.PROVEN)
    return None


def _lets_nothing_through(qdisc: Qdisc) -> str | None:
    if qdisc.kind == "blackhole":
        return "drops every packet"
    if qdisc.limit == 0 and qdisc.kind in ("pfifo", "bfifo"):
        return "has room for no packet"
    if qdisc.burst is not None and 0 < qdisc.burst < SMALLEST:
        return f"drops every packet longer than its burst of {qdisc.burst} bytes"
    return None


def standing(qdisc: Qdisc) -> str | None:
    """What can be said against it before anything is sent: it drops, delays, or sends elsewhere."""
    if qdisc.loss:
        return f"drops {qdisc.loss:.0%} of all packets"
    if qdisc.delay or (qdisc.rate is not None and qdisc.rate < SLOW_RATE):
        return _lets_nothing_through(qdisc) or _delays(qdisc)
    bad = next((one for one in qdisc.filters if "drop" in one.actions or one.dropped or _steals(one)), None)
    if bad:
        return f"has {_named(bad)} that drops packets or sends them elsewhere"
    return _lets_nothing_through(qdisc) or (f"has dropped {_packets(qdisc.drops)}" if qdisc.drops else None)


def _nothing_left(case: Case) -> bool:
    """Packets were sent, and none of them has crossed lo."""
    counters = known(case.facts.counters)
    return counters is not None and counters.sent.get("lo") == 0


def _filter_drops(one: TrafficFilter, qdisc: Qdisc) -> str:
    return f"has {_named(one)} that dropped {_packets(one.dropped or qdisc.drops)}"


def _named(one: TrafficFilter) -> str:
    name = f" '{one.name}'" if one.name else ""
    return f"a {one.kind} filter{name} (pref {one.priority}, {one.parent})"


def _steals(one: TrafficFilter) -> bool:
    """The packet goes to another device, or nowhere, and not on: TC_ACT_STOLEN of tc-mirred(8), `redirect`."""
    return any(action.endswith(("stolen", "redirect")) for action in one.actions)


def _delays(qdisc: Qdisc) -> str:
    if qdisc.delay:
        return f"holds each packet back for {qdisc.delay * 1000:g} ms"
    return f"slows packets down{_rate(qdisc)}"


def _rate(qdisc: Qdisc) -> str:
    return f" (its rate is {qdisc.rate * 8} bit/s)" if qdisc.rate else ""


def _packets(count: int) -> str:
    return f"{count} packet{'' if count == 1 else 's'}"


def _finding(case: Case, attempt: Attempt, trouble: Trouble, severity: Severity) -> Finding:
    qdisc = trouble.qdisc
    parent = qdisc.parent if qdisc.parent == "root" else qdisc.kind
    seconds = next((one.seconds for one in attempt.seen if one.outcome.good and one.seconds), None)
    slow = (Evidence(attempt.seen[0].label, f"answered after {seconds * 1000:.1f} ms"),) if seconds else ()
    drop = next((one for one in known(case.facts.drops) or () if one.reason in REASONS), None)
    recorded = (Evidence("skb:kfree_skb", f"{drop.reason} in {drop.place}"),) if drop else ()
    return Finding(
        cause="qdisc-on-loopback",
        severity=severity,
        certainty=trouble.certainty,
        subject=attempt.to,
        statement=f"the traffic-control discipline {qdisc.kind} {qdisc.handle} on lo {trouble.what}, so what is sent "
        f"to {attempt.to} {'is late' if severity is Severity.WARNING else trouble.so}",
        evidence=(
            Evidence(f"qdisc {qdisc.kind} {qdisc.handle} of lo", f"dropped {qdisc.drops}, waiting {qdisc.backlog}, "
                     f"sent {qdisc.sent} packets"),
            *recorded, *(attempt.evidence or slow),
        ),
        fixes=(Fix("take the discipline off lo", f"tc qdisc del dev lo {parent}"),),
    )  # fmt: skip
