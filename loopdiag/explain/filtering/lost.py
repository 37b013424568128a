"""Where packets got lost by the kernel's own counts, for whom may not read the rules that do it: proc_pid_net(5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.listeners.serving import LOOPBACK, zoneless
from loopdiag.model.finding import Evidence

if TYPE_CHECKING:
    from loopdiag.explain.filtering.attempts import Attempt
    from loopdiag.model.case import Case


def where_lost(case: Case, attempt: Attempt) -> tuple[str, Evidence] | None:
    """What became of the packets of an attempt to which nothing came back, and what shows it.

    Of the packets to this host itself, all that IP sends cross lo and are delivered, but for what netfilter takes.
    """
    answered = _answered(case, attempt)
    if answered:
        return answered
    counters = known(case.facts.counters)
    if counters is None or LOOPBACK not in counters.sent:
        return None
    sent, out, behind = counters.sent[LOOPBACK], counters.stopped_on_their_way_out, counters.stopped_behind(LOOPBACK)
    counted = Evidence("counters", f"lo took in {sent} packets, {behind} of them were not delivered, and {out} did not "
                       "come as far as a device")  # fmt: skip
    if sent == 0:
        return "the packet is stopped on its way out, before it comes to lo", counted
    if behind:
        what = "the packet" if behind == sent else "the packet, or what answers it,"
        return f"{what} crosses lo and is stopped on its way in", counted
    if out:
        return "the packet, or what answers it, is stopped on its way out, before it comes to lo", counted
    return None


def _answered(case: Case, attempt: Attempt) -> tuple[str, Evidence] | None:
    """The listener's kernel has taken our SYN in, and answered it."""
    ours = {zoneless(one.local) for one in attempt.seen if one.local and one.kind == "tcp-connect"}
    half = next((one for one in known(case.facts.sockets) or () if one.state == "SYN-RECV" and one.peer in ours), None)
    if half is None:
        return None
    return "the SYN arrives, and its answer is stopped on its way back", Evidence(
        f"listener {half.local}", "holds our connection half open (SYN-RECV)"
    )
