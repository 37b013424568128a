"""`nat-redirects`, `masquerade-on-loopback`: the packet arrives elsewhere, or seems to come from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.explain.behind import translated
from loopdiag.explain.evidence import known
from loopdiag.explain.filtering.attempts import KINDS, NAT, attempts, moves, uncertain
from loopdiag.explain.filtering.wording import named, removal, shown, text
from loopdiag.explain.listeners.serving import serving
from loopdiag.explain.own import covering, is_loopback
from loopdiag.explain.service import restricts
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity
from loopdiag.model.observation import Outcome
from loopdiag.model.target import split_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.filtering.attempts import Attempt
    from loopdiag.model.case import Case
    from loopdiag.model.observation import Observation
    from loopdiag.model.packetfilter import FilterPath, FilterStep

FORWARDERS = (
    "docker-proxy",
    "dockerd",
    "rootlesskit",
    "rootlessport",
    "conmon",
    "slirp4netns",
    "pasta",
    "kube-proxy",
)  # they publish by nat, too


def nat_redirects(case: Case) -> Iterator[Finding]:
    """A nat rule sends it to another address or port than the one asked for."""
    for attempt in attempts(case):
        path = attempt.probe
        step = moves(path) if path else None
        if path and step:
            if attempt.failures and _is_silent_service(case, attempt.failures[0]):
                continue  # what keeps silent is whoever has the socket there
            yield _redirected(case, attempt, step) if attempt.failures else _elsewhere(case, attempt, step)
            continue
        maybe = [step for _, step in uncertain(attempt, (*NAT, "tproxy"))]
        dead = next((step for step in maybe if _is_dead(case, attempt, step.detail)), None)
        if dead or (maybe and attempt.failures):
            yield _perhaps(attempt, dead or maybe[0])


def _redirected(case: Case, attempt: Attempt, step: FilterStep) -> Finding:
    how = {
        Outcome.REFUSED: "which refuses",
        Outcome.TIMED_OUT: "from where no answer comes",
        Outcome.UNREACHABLE: "which cannot be reached",
    }.get(attempt.failures[0].outcome, "where it fails")
    seen = attempt.failures[0]
    refuses = translated(case, seen) if seen.outcome is Outcome.REFUSED else None
    return Finding(
        cause="nat-redirects",
        subject=attempt.to,
        statement=f"what is sent to {attempt.to} goes to {step.detail} instead, {how}"
        f"{f' ({refuses.says})' if refuses else ''}: {named(step)} does that: {text(step)}",
        evidence=(shown(step), *attempt.evidence, *(refuses.evidence if refuses else ())),
        fixes=(refuses.fix if refuses else Fix(f"serve on {step.detail}"), removal(step)),
    )


def _is_silent_service(case: Case, seen: Observation) -> bool:
    """A datagram that was sent elsewhere came to a socket, which a UDP service need not answer."""
    there = translated(case, seen) if seen.kind == "udp" and seen.outcome is Outcome.TIMED_OUT else None
    return bool(there and there.serving)


def _is_dead(case: Case, attempt: Attempt, end: str) -> bool:
    """Surely nobody listens at `end`, one of several to which a rule sends what comes to this attempt's port."""
    address, port = split_port(end)
    one = attempt.seen[0]
    if known(case.facts.listeners) is None or port not in (None, str(one.port)) or not _is_own(case, address):
        return False
    return not serving(case, replace(one, address=address))


def _perhaps(attempt: Attempt, step: FilterStep) -> Finding:
    return Finding(
        cause="nat-redirects",
        certainty=Certainty.POSSIBLE if 0 < len(attempt.failures) < len(attempt.seen) else Certainty.LIKELY,
        subject=attempt.to,
        statement=f"{named(step)} may send what is meant for {attempt.to} to {step.detail}, depending on "
        f"{step.depends_on or 'what cannot be seen from outside'}"
        f"{'' if attempt.failures else ', and nobody listens there; this time it was sent elsewhere'}: {text(step)}",
        evidence=(shown(step), *attempt.evidence),
        fixes=(Fix(f"see whether {step.detail} is served"), removal(step)),
    )


def _elsewhere(case: Case, attempt: Attempt, step: FilterStep) -> Finding:
    """It works, yet what answers is not what has the port asked for."""
    bypassed = _listener(case, attempt)
    aside = f"; {bypassed}, which listens on {attempt.to}, is passed by" if bypassed else ""
    return Finding(
        cause="nat-redirects",
        severity=Severity.WARNING if bypassed else Severity.NOTE,
        subject=attempt.to,
        statement=f"{attempt.to} is answered by {step.detail}: {named(step)} sends it there{aside}: {text(step)}",
        evidence=(shown(step), Evidence(attempt.seen[0].label, attempt.seen[0].outcome.value)),
        fixes=(removal(step),) if bypassed else (),
    )


def _listener(case: Case, attempt: Attempt) -> str | None:
    """Who listens where it was asked for, as far as it is no forwarder that publishes the port by nat itself."""
    wanted = attempt.seen[0]
    for one in known(case.facts.listeners) or ():
        family = "ipv6" if ":" in wanted.address else "ipv4"
        if one.port != wanted.port or family not in one.families:
            continue
        if one.address not in (wanted.address, "0.0.0.0", "::"):
            continue
        owners = known(one.owners) or ()
        if not any(owner.name in FORWARDERS for owner in owners):
            return str(owners[0]) if owners else "another process"
    return None


def masquerade_on_loopback(case: Case) -> Iterator[Finding]:
    """Source nat on lo: the server sees another peer, or the packet is dropped as there is no address to use."""
    for attempt in attempts(case):
        found = _disguised(attempt)
        if found:
            yield _masquerade(case, attempt, *found)
            return


def _disguised(attempt: Attempt) -> tuple[FilterPath, FilterStep] | None:
    path = attempt.probe
    if path is None:
        return None
    for step in path.steps:
        if step.action in ("snat", "masquerade") and step.certain and step.detail != path.packet.source:
            return path, step
    return None


def _masquerade(case: Case, attempt: Attempt, path: FilterPath, step: FilterStep) -> Finding:
    none = step.detail == "no address to use"
    away = not none and not _is_own(case, step.detail)
    broken = bool(attempt.failures) and (none or (away and attempt.silent))
    restricted = any(_turned_away(one) for one in case.observations)
    if none:
        what = "finds no address that it could use as the source, as only lo has one, and drops it"
    else:
        what = f"makes it come from {step.detail}, so the server does not see {path.packet.source} as its peer"
        what += ", and its answers go astray" if broken else " and turns it away" if restricted else ""
    return Finding(
        cause="masquerade-on-loopback",
        severity=Severity.ERROR if broken or restricted else Severity.WARNING,
        certainty=Certainty.PROVEN if none or not (broken or restricted) else Certainty.LIKELY,
        subject=attempt.to,
        statement=f"{named(step)} rewrites the source of what is sent to {attempt.to} over lo: it {what}: {text(step)}",
        evidence=(shown(step), *attempt.evidence),
        fixes=(
            Fix('leave lo out of source nat (oifname != "lo", iptables: ! -o lo)'),
            removal(step),
        ),
    )


def _turned_away(one: Observation) -> bool:
    """The service itself refuses, as it does to a peer that it does not trust."""
    if one.kind in ("http", "greeting") and restricts.turns_away(one):
        return True
    if getattr(one, "status", None) is not None:
        return getattr(one, "status", None) in (401, 403)
    return one.kind not in KINDS and one.outcome in (Outcome.RESET, Outcome.CLOSED, Outcome.DENIED, Outcome.REFUSED)


def _is_own(case: Case, address: str) -> bool:
    try:
        return is_loopback(address) or covering(case, address) is not None
    except ValueError:  # a range, of which one address is taken
        return True
