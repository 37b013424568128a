"""`filter-drops`, `filter-rejects`, `queue-without-consumer`: the rule that decided, for exactly the packet sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loopdiag.explain.evidence import known
from loopdiag.explain.filtering.attempts import dropped, failed, uncertain
from loopdiag.explain.filtering.limits import is_limit
from loopdiag.explain.filtering.wording import HOOKS, named, packet, removal, shown, text, undecided
from loopdiag.explain.packetfilter.symbols import REJECT_ERRNO
from loopdiag.model.finding import Certainty, Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loopdiag.explain.filtering.attempts import Attempt
    from loopdiag.model.case import Case
    from loopdiag.model.packetfilter import FilterPath, FilterStep


_ACTS = {"drop": ("drop", "stolen"), "reject": ("reject",)}


class Decision(NamedTuple):
    """The step that decided against a packet, the packet's path, and how certain that is."""

    path: FilterPath
    step: FilterStep
    certainty: Certainty


def decision(case: Case, attempt: Attempt, action: str) -> Decision | None:
    """What decided `action` (drop, reject) for one of the attempt's packets, if anything did.

    Not for those that follow only once a connection stands: they were not sent where it does not.
    """
    for path in attempt.opening:
        step = path.steps[-1] if path.steps else None
        if path.verdict == action and step is not None and step.action in _ACTS[action]:
            return Decision(path, step, _certainty(case, attempt, path))
    maybe = list(uncertain(attempt, (action,)))
    if not maybe:
        return None
    path, step = maybe[0]
    alone = len({named(other) for _, other in maybe}) == 1
    seen = action == "drop" and dropped(case) and alone
    return Decision(path, step, Certainty.PROVEN if seen else Certainty.LIKELY)


def _certainty(case: Case, attempt: Attempt, path: FilterPath) -> Certainty:
    """Proven where the packet surely was sent and surely met the rule."""
    answers = [other for other in attempt.opening if other.packet.answer]
    settled = all(other.verdict == path.verdict for other in answers) if path in answers else True
    if path.certain and settled:
        return Certainty.PROVEN
    return Certainty.PROVEN if dropped(case) and path.verdict == "drop" and settled else Certainty.LIKELY


def filter_drops(case: Case) -> Iterator[Finding]:
    """A rule or policy discards the packet or its answer. TCP is silent then; UDP and ICMP may be refused (EPERM)."""
    found: dict[str, list[tuple[Attempt, Decision]]] = {}
    for attempt in failed(case):
        told = decision(case, attempt, "drop")
        if told is None or is_limit(told.step) or not (attempt.silent or attempt.refused_to_send):
            continue
        found.setdefault(named(told.step), []).append((attempt, told))
    for group in found.values():
        step = group[0][1].step
        verb = "discards" if step.action == "drop" else f"takes away, to {step.detail or 'elsewhere'},"
        yield finding(case, "filter-drops", verb, group)


def filter_rejects(case: Case) -> Iterator[Finding]:
    """A rule rejects it; the errno is the one that this kind of reject gives."""
    found: dict[str, list[tuple[Attempt, Decision]]] = {}
    for attempt in failed(case):
        told = decision(case, attempt, "reject")
        if told is None or is_limit(told.step):
            continue
        if told.certainty is not Certainty.PROVEN and not _looks_rejected(attempt, told):
            continue
        found.setdefault(named(told.step), []).append((attempt, told))
    for group in found.values():
        kind = group[0][1].step.detail
        yield finding(case, "filter-rejects", f"rejects (with {kind})", group)


def _looks_rejected(attempt: Attempt, told: Decision) -> bool:
    """What was seen is what this kind of reject makes of it."""
    kind, _, code = told.step.detail.partition(" ")
    wanted = REJECT_ERRNO.get((kind, code))
    return any(one.errno == wanted or (wanted is None and one.errno) for one in attempt.failures)


def finding(case: Case, cause: str, verb: str, group: list[tuple[Attempt, Decision]]) -> Finding:
    """One rule that stops the packets of one or several attempts."""
    concerned = [attempt for attempt, _ in group]
    first, told = group[0]
    hook = HOOKS.get(told.step.hook, f"in the {told.step.hook} hook")
    maybe = "" if told.certainty is Certainty.PROVEN else " probably"
    return Finding(
        cause=cause,
        certainty=max((one.certainty for _, one in group), key=list(Certainty).index),
        subject=subject(case, concerned),
        statement=f"{named(told.step)}{maybe} {verb} {packet(told.path.packet, _ends(concerned))} {hook}: "
        f"{text(told.step)}",
        evidence=(
            shown(told.step),
            *undecided(told.path),
            *first.evidence,
            *_recorded(case, cause),
            *_swallowed(first),
        ),
        fixes=(removal(told.step),),
    )


def _swallowed(attempt: Attempt) -> tuple[Evidence, ...]:
    """On lo, what a reject sends back can be stopped too: then nothing comes back at all."""
    own = next((path for path in attempt.paths if path.packet.name.endswith("of the reject")), None)
    if own is None or own.verdict == "accept" or not own.steps:
        return ()
    return (Evidence(f"the {own.packet.name}", f"is stopped on its way back by {named(own.steps[-1])}"),)


def _ends(concerned: Iterable[Attempt]) -> str:
    return " and ".join(dict.fromkeys(one.to for one in concerned))


def subject(case: Case, concerned: Iterable[Attempt]) -> str:
    """One endpoint, or the target where several are concerned."""
    ends = list(dict.fromkeys(one.to for one in concerned))
    return ends[0] if len(ends) == 1 else str(case.target)


def _recorded(case: Case, cause: str) -> tuple[Evidence, ...]:
    drop = next((one for one in known(case.facts.drops) or () if one.reason == "NETFILTER_DROP"), None)
    if drop is None or cause != "filter-drops":
        return ()
    return (Evidence("skb:kfree_skb", f"{drop.reason} in {drop.place}"),)
