"""`bound-not-listening` and `no-listener`: nobody is there to take the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.explain.listeners.refused import (
    are_refused,
    filter_ruled_out,
    protocol_name,
    refusals,
    refused,
    subject,
)  # fmt: skip
from loopdiag.explain.listeners.serving import covers
from loopdiag.explain.listeners.wording import shown, where, who
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.explain.listeners.refused import Refused
    from loopdiag.model.case import Case
    from loopdiag.model.socket import Socket


def bound_not_listening(case: Case) -> Iterator[Finding]:
    """A TCP socket has the address and port by bind(2), and listen(2) was never called on it."""
    attempts = [one for one in refused(case) if one.seen.kind == "tcp-connect"]
    idle = [one for one in known(case.facts.sockets) or () if one.protocol == "tcp" and one.state == "BOUND"]
    mine = [(one, _bound_at(one, idle)) for one in attempts]
    found = [(one, bound) for one, bound in mine if bound]
    if not found:
        return
    bound = found[0][1][0]
    attempts = [one for one, _ in found]
    yield Finding(
        cause="bound-not-listening",
        subject=subject(case, attempts),
        statement=f"{who(bound)} has bound a socket to {where(bound)}, but does not listen on it (no listen(), or it "
        f"was shut down), so "
        f"{are_refused(attempts)}",
        evidence=(*refusals(attempts), *shown([bound])),
        fixes=(
            Fix(f"wait until {who(bound)} has started up, or see why it stopped between bind() and listen()"),
            Fix("call listen() on the socket"),
        ),
    )


def _bound_at(one: Refused, idle: Sequence[Socket]) -> list[Socket]:
    """Bound where it was asked for; anywhere, where nobody listens on the port at all."""
    on_port = [other for other in idle if other.port == one.seen.port]
    exact = [other for other in on_port if covers(other, one.address)]
    return exact or ([] if one.there else on_port)


def no_listener(case: Case) -> Iterator[Finding]:
    """Nothing has the port: not on another address, by another IP version or protocol. Proven where all was read."""
    attempts = [one for one in refused(case) if not one.there]
    if not attempts:
        return
    protocol, port = protocol_name(attempts), attempts[0].seen.port
    yield Finding(
        cause="no-listener",
        certainty=Certainty.PROVEN if _all_was_seen(case, attempts) else Certainty.LIKELY,
        subject=subject(case, attempts),
        statement=f"nothing listens on {protocol} port {port} of this host, so {are_refused(attempts)}",
        evidence=(*refusals(attempts), Evidence(f"{protocol} sockets", f"no listener has port {port}"), *_more(case)),
        fixes=(
            Fix(f"start the service that should listen on port {port}"),
            Fix("if it is running, look up in its log or configuration which port it took"),
        ),
    )


def _all_was_seen(case: Case, attempts: Sequence[Refused]) -> bool:
    facts = case.facts
    read = all(known(topic) is not None for topic in (facts.sockets, facts.elsewhere))
    read = read and not isinstance(facts.unlisted, Unknown)
    return read and filter_ruled_out(case, attempts)


def _more(case: Case) -> list[Evidence]:
    """What else was looked through without finding the port."""
    found = []
    if known(case.facts.elsewhere) == ():
        found.append(Evidence("other network namespaces", "none of those that can be seen has a listener on the port"))
    return found
