"""`queue-without-consumer`: an NFQUEUE rule hands the packet to a program that is not there, or does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.filtering.attempts import attempts, is_cut_off
from loopdiag.explain.filtering.wording import named, packet, removal, shown, text
from loopdiag.explain.packetfilter.queues import read_by, stuck
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.explain.filtering.attempts import Attempt
    from loopdiag.model.case import Case
    from loopdiag.model.packetfilter import FilterPath, FilterStep, QueueReader


def queue_without_consumer(case: Case) -> Iterator[Finding]:
    """The packet waits in a queue that nobody reads; without a reader the kernel drops it, and gives no reason."""
    ruleset = known(case.facts.ruleset)
    queues = known(ruleset.queues) if ruleset else None
    for attempt in attempts(case):
        if attempt.silent or attempt.refused_to_send:
            found = _queued(attempt.opening, queues)
        else:
            found = _queued(attempt.following, queues) if is_cut_off(case, attempt) else None
        if found:
            yield _finding(attempt, *found, queues)


def _queued(
    paths: Sequence[FilterPath], queues: Sequence[QueueReader] | None
) -> tuple[FilterPath, FilterStep, Certainty] | None:
    for path in paths:
        if path.verdict == "queue" and path.steps[-1].action == "queue":
            return path, path.steps[-1], Certainty.PROVEN if path.certain else Certainty.LIKELY
    for path, step in [(each, step) for each in paths for step in each.steps]:
        if step.action != "queue" or step.certain:
            continue
        read = read_by(step.detail, queues)
        if read is not True or stuck(step.detail, queues):
            return path, step, Certainty.POSSIBLE if queues is None else Certainty.LIKELY
    return None


def _finding(
    attempt: Attempt, path: FilterPath, step: FilterStep, certainty: Certainty, queues: Sequence[QueueReader] | None
) -> Finding:
    held = stuck(step.detail, queues)
    numbers = f"queue{'s' if '-' in step.detail else ''} {step.detail}"
    why = "whose reader lets packets wait" if held else "that no process reads"
    return Finding(
        cause="queue-without-consumer",
        certainty=certainty,
        subject=attempt.to,
        statement=f"{named(step)} hands {packet(path.packet, attempt.to)} to NFQUEUE {numbers}, {why}, so nothing "
        f"goes on: {text(step)}",
        evidence=(shown(step), _readers(queues), *attempt.evidence),
        fixes=(
            Fix(f"start the program that reads {numbers}, or see why it hangs" if held
                else f"start the program that reads {numbers}"),
            Fix("add bypass (iptables: --queue-bypass) to the rule, so that packets pass while nobody reads"),
            removal(step),
        ),
    )  # fmt: skip


def _readers(queues: Sequence[QueueReader] | None) -> Evidence:
    source = "/proc/net/netfilter/nfnetlink_queue"
    if queues is None:
        return Evidence(source, "could not be read")
    told = [f"queue {one.number} is bound, {one.waiting} packets wait" for one in queues]
    return Evidence(source, "; ".join(told) or "no queue is bound")
