"""`udp-wrong-source`, `udp-no-reply`: what silence, or an answer from elsewhere, says of UDP: udp(7), ip(7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.listeners.condition import how_stopped, owners
from loopdiag.explain.listeners.refused import is_own
from loopdiag.explain.listeners.serving import serving
from loopdiag.explain.listeners.wording import shown, where, who
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity
from loopdiag.model.observation import Outcome, UdpExchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.socket import Socket


def wrong_source(case: Case) -> Iterator[Finding]:
    """An answer came, but from another endpoint than the one asked: a connected client never sees it."""
    for one in case.observations:
        if not isinstance(one, UdpExchange) or one.outcome is Outcome.REPLIED or not one.replied_from:
            continue
        there = serving(case, one)
        server = who(there[0]) if there else "the server"
        yield Finding(
            cause="udp-wrong-source",
            subject=one.to,
            statement=f"{server} was asked at {one.to} and answered from {one.replied_from}; a client that connected "
            f"its socket, or compares addresses, waits in vain",
            evidence=(
                seen(one),
                Evidence(f"answer from {one.replied_from}", f"{one.reply_bytes} bytes to {one.local}"),
                *shown(there),
            ),
            fixes=(
                Fix(f"let {server} bind {one.address} itself, or answer from the address that was asked (IP_PKTINFO)"),
                Fix(f"ask {one.replied_from}", f"loopdiag connect --udp {one.replied_from}"),
            ),
        )


def no_reply(case: Case) -> Iterator[Finding]:
    """UDP was taken in, and nothing came back."""
    for one in case.observations:
        if not isinstance(one, UdpExchange) or one.outcome is not Outcome.TIMED_OUT or one.replied_from:
            continue
        there = serving(case, one) or _where_it_was_sent(case, one)
        if known(case.facts.listeners) is not None and not there and is_own(case, one.address):
            continue  # a closed port of this host answers by ICMP: what hides that is another cause
        if any(how_stopped(each) for socket in there for each in owners(socket)):
            continue
        yield Finding(
            cause="udp-no-reply",
            severity=Severity.WARNING,
            certainty=Certainty.PROVEN if there else Certainty.LIKELY,
            subject=one.to,
            statement=_silence(one, there),
            evidence=(seen(one), *shown(there), *_unread(there)),
            fixes=(Fix("ask with what speaks the service's protocol: most UDP services answer nothing else"),),
        )


def _where_it_was_sent(case: Case, one: UdpExchange) -> tuple[Socket, ...]:
    """By a nat rule."""
    if not case.facts.behind:
        return ()
    from loopdiag.explain.behind import translated

    there = translated(case, one)
    return there.serving if there else ()


def _silence(one: UdpExchange, there: tuple[Socket, ...]) -> str:
    proves = "which proves neither that it works nor that it does not"
    if there:
        return f"{who(there[0])} has {where(there[0])} and the datagram was taken in, but nothing came back, {proves}"
    return f"the datagram to {one.to} was taken in and nothing came back, {proves}"


def _unread(there: tuple[Socket, ...]) -> list[Evidence]:
    return [Evidence(f"udp socket {where(one)}", f"{one.queue} bytes wait unread in its receive buffer")
            for one in there if one.queue]  # fmt: skip
