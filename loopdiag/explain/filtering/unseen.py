"""What the attempts say of a packet filter whose rules could not be read: only what nothing else explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.filtering.attempts import Attempt, failed
from loopdiag.explain.filtering.lost import where_lost
from loopdiag.explain.filtering.qdisc import dropping
from loopdiag.explain.listeners.refused import is_own
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix
from loopdiag.model.observation import Outcome
from loopdiag.model.routed import routed
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.packetfilter import Ruleset
    from loopdiag.model.socket import Socket

LOOK = Fix("ask again as root, so that the rules can be read; or list them", "nft list ruleset")


def filter_unseen(case: Case) -> Iterator[Finding]:
    """Rules that may not be read still show in what they do: an ICMP error to TCP, EPERM when sending, silence."""
    for attempt in failed(case):
        found = _told(case, attempt)
        if found:
            cause, certainty, statement, evidence = found
            yield Finding(
                cause=cause,
                certainty=certainty,
                subject=attempt.to,
                statement=statement,
                evidence=(*attempt.evidence, *evidence, *gap(case)),
                fixes=(LOOK,),
            )


def _told(case: Case, attempt: Attempt) -> tuple[str, Certainty, str, tuple[Evidence, ...]] | None:
    if any(path.verdict != "accept" or not path.certain or path.rewritten for path in attempt.paths):
        return None  # a rule is named elsewhere
    if not is_own(case, routed(attempt.seen[0].address)):
        return None
    return _rejected(attempt) or (None if all_was_read(case) else _refused(case, attempt)) or _dropped(case, attempt)


def _rejected(attempt: Attempt) -> tuple[str, Certainty, str, tuple[Evidence, ...]] | None:
    """TCP answers a closed port with a reset; an ICMP error to a local TCP connection is made by a packet filter."""
    sender = next(
        (one for one in attempt.failures if one.kind == "tcp-connect" and getattr(one, "error_from", None)), None
    )
    if sender is None:
        return None
    who = getattr(sender, "error_from", "")
    return (
        "filter-rejects",
        Certainty.PROVEN,
        f"{attempt.to} is refused by an ICMP error ({sender.errno}), which a packet filter sends and a closed port "
        "never does; the rule itself could not be seen",
        (Evidence("ICMP error", f"sent by {who}"),),
    )


def all_was_read(case: Case) -> bool:
    """No rule can have stayed unseen."""
    ruleset = case.facts.ruleset
    return ruleset is None or (not isinstance(ruleset, Unknown) and not ruleset.unread)


def _refused(case: Case, attempt: Attempt) -> tuple[str, Certainty, str, tuple[Evidence, ...]] | None:
    """A listener is there for exactly this address, takes connections, and the connection was refused all the same."""
    one = attempt.failures[0]
    if one.kind != "tcp-connect" or one.outcome is not Outcome.REFUSED:
        return None
    if case.command == "bind-test":
        return (
            "filter-rejects",
            Certainty.LIKELY,
            f"a listener of this test's own is there, and yet {attempt.to} is refused: a rule of the packet filter "
            "rejects it or sends it elsewhere; the rule could not be seen",
            (Evidence("listener", "opened for this test, and accepting"),),
        )
    there = _serving(case, attempt)
    if not there or there.device:
        return None
    return (
        "filter-rejects",
        Certainty.POSSIBLE,
        f"something listens on {there.local}, and yet {attempt.to} is refused: a rule of the packet filter may reject "
        "it or send it elsewhere",
        (Evidence("listener", there.local),),
    )


def _dropped(case: Case, attempt: Attempt) -> tuple[str, Certainty, str, tuple[Evidence, ...]] | None:
    recorded = next((drop for drop in known(case.facts.drops) or () if drop.reason == "NETFILTER_DROP"), None)
    if recorded and attempt.silent:
        return (
            "filter-drops",
            Certainty.LIKELY,
            f"the packet filter dropped what was sent to {attempt.to}; the rule could not be seen",
            (Evidence("skb:kfree_skb", f"{recorded.reason} in {recorded.place}"),),
        )
    if all_was_read(case) or any(dropping(case, one) for one in known(case.facts.qdiscs) or ()):
        return None
    if attempt.refused_to_send and not _confined(case):
        return (
            "filter-drops",
            Certainty.POSSIBLE,
            f"the kernel refused to send to {attempt.to} (EPERM), as it does where a rule of the packet filter drops "
            "on the way out, or where the cgroup or a sandbox forbids it",
            (),
        )
    if case.command == "bind-test" and attempt.silent:
        return (
            "filter-drops",
            Certainty.LIKELY,
            f"a listener of this test's own has room, and yet nothing answers at {attempt.to}: a rule of the packet "
            "filter drops it, or its answer; the rule could not be seen",
            (Evidence("listener", "opened for this test, and accepting"),),
        )
    there = _serving(case, attempt)
    lost = where_lost(case, attempt) if attempt.silent and not (there and there.full) else None
    if lost:
        return (
            "filter-drops",
            Certainty.LIKELY,
            f"nothing comes back from {attempt.to}: {lost[0]}, as where a rule of the packet filter drops it; the rule "
            "could not be seen",
            (lost[1],),
        )
    if attempt.silent and there and not there.full and attempt.seen[0].kind == "tcp-connect":
        return (
            "filter-drops",
            Certainty.POSSIBLE,
            f"{there.local} listens with room in its queue, and yet nothing answers at {attempt.to}: a rule of the "
            "packet filter may drop it",
            (Evidence("listener", f"{there.local}, {there.queue} of {there.queue_limit} wait"),),
        )
    return None


def _confined(case: Case) -> bool:
    """Something else that can refuse to send was seen."""
    sandbox = known(case.facts.sandbox)
    return bool(known(case.facts.cgroup_programs)) or (sandbox is not None and known(sandbox.seccomp) == "filter")


def _serving(case: Case, attempt: Attempt) -> Socket | None:
    one = attempt.seen[0]
    family = "ipv6" if ":" in one.address else "ipv4"
    fit = (routed(one.address), "0.0.0.0", "::")
    protocol = "udp" if one.kind == "udp" else "tcp"
    for socket in known(case.facts.listeners) or ():
        if (
            (socket.protocol, socket.port) == (protocol, one.port)
            and family in socket.families
            and socket.address in fit
        ):
            return socket
    return None


def gap(case: Case) -> tuple[Evidence, ...]:
    """What of the rules could not be read."""
    ruleset: Ruleset | Unknown | None = case.facts.ruleset
    gaps = (ruleset,) if isinstance(ruleset, Unknown) else ruleset.unread if ruleset else ()
    return tuple(Evidence(gap.what, f"not known: {gap.because}") for gap in gaps[:2])
