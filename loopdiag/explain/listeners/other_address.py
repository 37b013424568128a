"""`listener-other-address`, `listener-address-gone`, `listener-device-bound`: the port is served, by the same IP
version, but not where it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.listeners.refused import Refused, are_refused, is_own, refusals, refused, subject
from loopdiag.explain.listeners.serving import WILDCARDS, arrives_by, covers, family_of, on_port
from loopdiag.explain.listeners.wording import holders_of, listed, shown, try_instead, verb, where, who
from loopdiag.explain.own import interfaces
from loopdiag.model.address import endpoint
from loopdiag.model.finding import Evidence, Finding, Fix
from loopdiag.model.observation import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.observation import Observation
    from loopdiag.model.socket import Socket

_MISSED = (Outcome.TIMED_OUT, Outcome.UNREACHABLE, Outcome.FAILED, Outcome.REFUSED)


def other_address(case: Case) -> Iterator[Finding]:
    """Listeners of the same IP version on another address, which this host has."""
    mine = [(one, _others(case, one)) for one in refused(case)]
    attempts = [one for one, others in mine if others]
    if not attempts:
        return
    others = list(dict.fromkeys(other for _, found in mine for other in found))
    yield Finding(
        cause="listener-other-address",
        subject=subject(case, attempts),
        statement=f"{holders_of(others)} only, so {are_refused(attempts)}",
        evidence=(*refusals(attempts), *shown(others)),
        fixes=(
            Fix(f"let {who(others[0])} listen on {attempts[0].address}, or on {_every(attempts[0])} (every address)"),
            try_instead(case, others[0].local),
        ),
    )


def _others(case: Case, one: Refused) -> list[Socket]:
    return [other for other in one.there if family_of(one.address) in other.families
            and not covers(other, one.address) and not is_gone(case, other)]  # fmt: skip


def _every(one: Refused) -> str:
    return "::" if ":" in one.address else "0.0.0.0"


def device_bound(case: Case) -> Iterator[Finding]:
    """A listener that would fit, if its SO_BINDTODEVICE did not keep packets of this host away: socket(7)."""
    for one in refused(case):
        bound = [other for other in one.there if other.device and covers(other, one.address)]
        if not bound:
            continue
        yield Finding(
            cause="listener-device-bound",
            subject=one.to,
            statement=f"{who(bound[0])} {verb(bound[0])} {bound[0].local} bound to the device "
            f"{listed(other.device or '' for other in bound)}; packets of this host to {one.address} count as come "
            f"through {listed(arrives_by(case, one.address)) or 'another device'} and do not reach it",
            evidence=(*refusals([one]), *shown(bound)),
            fixes=(Fix(f"start {who(bound[0])} without binding it to a device (SO_BINDTODEVICE)"),),
        )


def address_gone(case: Case) -> Iterator[Finding]:
    """The address that was asked for, or the only one that is listened on, is on no interface any more."""
    found: dict[Socket, list[Observation]] = {}
    for one in case.failed:
        if one.port is None or one.outcome not in _MISSED or case.command == "bind-test":
            continue
        gone = [other for other in on_port(case, one) if is_gone(case, other)]
        if gone and (any(covers(other, one.address) for other in gone) or len(gone) == len(on_port(case, one))):
            found.setdefault(gone[0], []).append(one)
    for listener, attempts in found.items():
        yield _gone(listener, attempts, case)


def _gone(listener: Socket, attempts: Sequence[Observation], case: Case) -> Finding:
    has = [held.address for each in interfaces(case) for held in each.addresses]
    return Finding(
        cause="listener-address-gone",
        subject=attempts[0].to,
        statement=f"{who(listener)} {verb(listener)} {where(listener)}, but no interface of this host has "
        f"{listener.address} any more, so nobody reaches it",
        evidence=(
            *(seen(one) for one in attempts[:2]),
            *shown([listener]),
            Evidence("addresses of this host", listed(has[:8]) or "none"),
        ),
        fixes=(
            Fix(f"restart {who(listener)} with an address that this host has, or with {_any(listener)}"),
            Fix(f"give {listener.address} back to its interface"),
        ),
    )


def _any(listener: Socket) -> str:
    return endpoint("::" if ":" in listener.address else "0.0.0.0", listener.port)


def is_gone(case: Case, listener: Socket) -> bool:
    """Its address was read to be on no interface, nor made local by a route. 127/8 is a matter of lo, not of it."""
    if listener.address in WILDCARDS or known(case.facts.interfaces) is None or known(case.facts.local_table) is None:
        return False
    return not is_own(case, listener.address)
