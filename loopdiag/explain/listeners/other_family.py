"""`listener-other-family`: the port is served on the other IP version only, `IPV6_V6ONLY` included: ipv6(7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.listeners.other_address import is_gone
from loopdiag.explain.listeners.refused import are_refused, ends, refusals, refused, subject
from loopdiag.explain.listeners.serving import family_of
from loopdiag.explain.listeners.wording import holders_of, shown, try_instead, who
from loopdiag.model.address import endpoint
from loopdiag.model.finding import Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.explain.listeners.refused import Refused
    from loopdiag.model.case import Case
    from loopdiag.model.socket import Socket

_NAMES = {"ipv4": "IPv4", "ipv6": "IPv6"}


def other_family(case: Case) -> Iterator[Finding]:
    """Refused by the one IP version, while something listens on the port by the other."""
    mine = [(one, _others(case, one)) for one in refused(case)]
    attempts = [one for one, others in mine if others]
    if not attempts:
        return
    others = list(dict.fromkeys(other for _, found in mine for other in found))
    family = _NAMES[family_of(attempts[0].address)]
    yield Finding(
        cause="listener-other-family",
        subject=subject(case, attempts),
        statement=f"{holders_of(others)} only, and not by {family}; {_consequence(case, attempts)}",
        evidence=(*refusals(attempts), *shown(others), *_v6only(others)),
        fixes=(
            Fix(f"let {who(others[0])} listen on {_both(attempts[0])}"),
            try_instead(case, _reached(others[0])),
        ),
    )


def _others(case: Case, one: Refused) -> list[Socket]:
    """Listeners of the other IP version, where there is none of the one asked for."""
    family = family_of(one.address)
    if any(family in other.families for other in one.there):
        return []
    return [other for other in one.there if not is_gone(case, other)]


def _consequence(case: Case, attempts: Sequence[Refused]) -> str:
    """Where the name has an address that answers, only those who stop at the first refusal fail."""
    if any(one.port == attempts[0].seen.port for one in case.worked):
        return f"a client that tries {ends(attempts)} and stops there is refused"
    return are_refused(attempts)


def _v6only(others: Sequence[Socket]) -> list[Evidence]:
    return [Evidence(f"socket option of {other.local}", "IPV6_V6ONLY is set: IPv4 does not reach it")
            for other in others[:1] if other.address == "::" and other.families == ("ipv6",)]  # fmt: skip


def _both(one: Refused) -> str:
    both = ":: without IPV6_V6ONLY (both IP versions)"
    return f"{both}, or on {one.address} too"


def _reached(other: Socket) -> str:
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    return endpoint(loopback.get(other.address, other.address), other.port)
