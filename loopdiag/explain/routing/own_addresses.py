"""Own addresses that the routing takes for somebody else's: a rule ahead of table local, or no local route."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loopdiag.explain.asked import REJECTING, asked, plain, route_says, set_marks, troubles, ways
from loopdiag.explain.evidence import known
from loopdiag.explain.own import IPV4_MTU, covering, interfaces, is_loopback, local_route, local_rule, loopback
from loopdiag.model.finding import Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.explain.asked import Trouble
    from loopdiag.explain.own import Own
    from loopdiag.model.case import Case
    from loopdiag.model.route import PolicyRule, Route, RouteAnswer

NOT_LOST = ("local", "broadcast", "anycast", *REJECTING)  # route types with a meaning of their own
UNUSABLE = ("tentative", "dadfailed")


class Held(NamedTuple):
    """An address in trouble that this host has, with what table `local` says of it (None: nothing)."""

    trouble: Trouble
    own: Own
    local: Route | None


def held_here(case: Case) -> Iterator[Held]:
    """The addresses in trouble that are on an interface and could be used: their routing must lead to themselves."""
    lo = loopback(case)
    if lo is None or not lo.up or known(case.facts.local_table) is None or case.command == "resolve":
        return
    for one in troubles(case):
        own = covering(case, one.address)
        if not one.six and lo.mtu < IPV4_MTU:
            continue  # lo has no IPv4 at all
        if own and not one.answered and not set(own.address.flags) & set(UNUSABLE):
            yield Held(one, own, local_route(case, one.address))


def rule_before_local(case: Case) -> Iterator[Finding]:
    """The address is local, yet the kernel answers from another table by a rule that comes first."""
    told: set[PolicyRule] = set()
    for held in held_here(case):
        if held.local is None or held.local.type != "local":
            continue
        taken = next((way for way in ways(case, held.trouble.address) if _takes_away(case, way)), None)
        if taken and (rule := _leading(taken)):
            told.add(rule)
            yield _taken(case, held, taken, rule)
        else:
            yield from _by_mark(case, held)
    if case.command == "route":
        yield from _narrow(case, told)


def _takes_away(case: Case, answer: RouteAnswer) -> bool:
    """A rule, not table local, decided; and it neither rejects nor finds a local route elsewhere.

    With a 127/8 source the kernel may refuse (EINVAL) what such a rule leads to another device.
    """
    rule = _leading(answer)
    if rule is None or answer.type in (None, "local", "broadcast", *REJECTING):
        return False
    local = local_rule(case, answer.destination)
    return answer.table != "local" and (local is None or rule.priority <= local.priority)


def _leading(answer: RouteAnswer) -> PolicyRule | None:
    """The rule that made the difference: a goto that led past others, or the one that decided."""
    return answer.jump or answer.rule


def _by_mark(case: Case, held: Held) -> Iterator[Finding]:
    """A mark that the packet filter sets on our packet makes a rule match that would not otherwise."""
    marks = set_marks(case)
    for answer in asked(case):
        about = answer.about == held.trouble.address and answer.way == "what-if"
        rule = _leading(answer)
        if about and answer.mark in marks and rule and _takes_away(case, answer):
            yield _taken(case, held, answer, rule)
            return


def _narrow(case: Case, told: set[PolicyRule]) -> Iterator[Finding]:
    """`route` asks about no packet in particular: rules that take only some (a port, a user, a mark) are told of."""
    for answer in asked(case):
        own = covering(case, answer.about or "") if answer.way == "what-if" and answer.about else None
        rule = _leading(answer)
        if own and rule and rule not in told and _takes_away(case, answer):
            told.add(rule)
            held = Held(_trouble(case, answer), own, None)
            yield _taken(case, held, answer, rule, Severity.WARNING)


def _trouble(case: Case, answer: RouteAnswer) -> Trouble:
    return next(one for one in troubles(case) if one.address == answer.about)


def _taken(
    case: Case, held: Held, answer: RouteAnswer, rule: PolicyRule, severity: Severity = Severity.ERROR
) -> Finding:
    address = held.trouble.address
    some = "some of " if severity is Severity.WARNING else ""
    what = "the answers from" if answer.way == "back" else "the packets to"
    by = f"out by {answer.device}" + (f" to {answer.gateway}" if answer.gateway else "")
    local = local_rule(case, address)
    behind = f'comes first; table local is asked by rule "{local.text}"' if local else "no rule leads to table local"
    return Finding(
        cause="rule-before-local",
        severity=severity,
        subject=held.trouble.subject,
        statement=f'the policy rule "{rule.text}" takes {some}{what} {address}, an address of this host, {by} before '
        f"table local is asked",
        evidence=(
            route_says(answer),
            Evidence("ip rule", behind),
            *held.trouble.evidence,
            Evidence(f"interface {held.own.interface.name}", f"it has {held.own.address.address}"),
        ),
        fixes=_before_fixes(rule, local),
    )


def _before_fixes(rule: PolicyRule, local: PolicyRule | None) -> tuple[Fix, ...]:
    six = "-6 " if rule.family == "ipv6" else ""
    if local is None:
        return (Fix("put back the rule that asks table local first", f"ip {six}rule add pref 0 lookup local"),)
    return (
        Fix("ask table local before any other rule", f"ip {six}rule add pref 0 lookup local"),
        Fix("or delete the rule", f"ip {six}rule del pref {rule.priority}"),
    )


def local_route_missing(case: Case) -> Iterator[Finding]:
    """The address is on an interface, and the kernel does not take it for its own for want of its local route."""
    for held in held_here(case):
        answer = plain(case, held.trouble.address)
        if answer is None or (answer.type in NOT_LOST and not _retyped(held, answer)):
            continue
        if held.local is not None and held.local.type == "local" and _takes_away(case, answer):
            continue  # a rule does that
        yield _lost(case, held, answer)


def _retyped(held: Held, answer: RouteAnswer) -> bool:
    """The very address of an interface stands in table local as a broadcast address, which no connection is made to."""
    return answer.type == "broadcast" and held.own.address.address == held.trouble.address


def _lost(case: Case, held: Held, answer: RouteAnswer) -> Finding:
    one, own = held.trouble, held.own
    why, fix = _why_lost(case, held, answer)
    led = "there is no other route either" if answer.errno else f"its packets go out by {answer.device}"
    return Finding(
        cause="local-route-missing",
        subject=one.subject,
        statement=f"{one.address} belongs to this host ({own.address.address}/{own.address.prefix} is on "
        f"{own.interface.name}), but {why}, and {led}",
        evidence=(
            Evidence("routing table local", _table_says(held)),
            route_says(answer),
            *one.evidence,
        ),
        fixes=(fix,),
    )


def _table_says(held: Held) -> str:
    route = held.local
    if route is None:
        return f"no route covers {held.trouble.address}"
    return f"{route.type} {route.destination}" + (f" dev {route.device}" if route.device else "")


def _why_lost(case: Case, held: Held, answer: RouteAnswer) -> tuple[str, Fix]:
    """Half a sentence on what became of the local route, and what mends it."""
    address, own = held.trouble.address, held.own
    six = "-6 " if ":" in address else ""
    master = next((each for each in interfaces(case) if each.name == own.interface.master and each.kind == "vrf"), None)
    if master:
        return (
            f"{own.interface.name} is in the VRF {master.name}, so its local route is only in table {master.vrf_table}",
            Fix("ask from inside the VRF", f"ip vrf exec {master.name} COMMAND"),
        )
    if held.local is None:
        return "its local route is gone", Fix("put the local route back", _route_back(held))
    if held.local.type != "local":
        return (
            f"a {held.local.type} route for {held.local.destination} in table local is in its place",
            Fix("delete that route", f"ip {six}route del {held.local.type} {held.local.destination} table local"),
        )
    if local_rule(case, address) is None:
        return (
            "no policy rule leads to table local, so its local route does not count",
            Fix("put that rule back", f"ip {six}rule add pref 0 lookup local"),
        )
    return (
        f"the closer route {answer.matched or 'for it'} of table {answer.table or 'main'} counts before its local "
        f"route {held.local.destination}",
        Fix("delete the closer route", f"ip {six}route del {answer.matched or address} table {answer.table or 'main'}"),
    )


def _route_back(held: Held) -> str:
    address, own = held.trouble.address, held.own
    if ":" in address:
        return f"ip -6 route add local {address} dev {own.interface.name} table local"
    wanted = "127.0.0.0/8" if is_loopback(address) else address
    return (
        f"ip route add local {wanted} dev {own.interface.name} table local proto kernel scope host "
        f"src {own.address.address}"
    )
