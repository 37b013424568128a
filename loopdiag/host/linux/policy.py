"""Which policy rule decides: the kernel's walk through the rules, done again. Pure. fib_rules.c, ip-rule(8).

The kernel tells the table and the route of its answer, never the rule: this derives it.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from loopdiag.model.route import PolicyRule, Route

REJECTING = ("blackhole", "unreachable", "prohibit")  # what such a route says is final: fib_rules_lookup()
VRF = "vrf"  # stands for the table that a rule of type l3mdev looks into
_network = lru_cache(maxsize=4096)(ip_network)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What rules match on. A packet that this host sends itself comes in by lo, as far as rules are concerned."""

    destination: str
    source: str | None = None
    input_device: str = "lo"
    output_device: str | None = None
    mark: int = 0
    user: int | None = None
    protocol: str | None = None
    source_port: int | None = None
    destination_port: int | None = None

    @property
    def family(self) -> str:
        """ipv4 or ipv6, as PolicyRule has it."""
        return "ipv6" if ":" in self.destination else "ipv4"


class Decision(NamedTuple):
    """The rule that decided; `route` is None where it rejects by itself; `jump` is a goto that led past others."""

    rule: PolicyRule
    route: Route | None
    jump: PolicyRule | None = None


def decide(rules: Iterable[PolicyRule], flow: Flow, find: Callable[[str], Route | None]) -> Decision | None:
    """The first rule that settles the flow; `find` looks into a table by name. None where no rule does."""
    at, jump = -1, None
    for rule in rules:
        if rule.family != flow.family or rule.priority < at or not matches(rule, flow):
            continue
        if rule.action == "goto":
            at, jump = rule.goto or 0, jump or rule
        elif rule.action == "lookup":
            route = find(VRF if rule.l3mdev else rule.table or "")
            if route and route.type != "throw" and not (_suppressed(rule, route) and route.type not in REJECTING):
                return Decision(rule, route, jump)
        elif rule.action != "nop":
            return Decision(rule, None, jump)
    return None


def matches(rule: PolicyRule, flow: Flow) -> bool:
    """Whether the rule's selectors hold for the flow."""
    if rule.l3mdev and not flow.output_device and flow.input_device == "lo":
        return False
    return _selected(rule, flow) is not rule.inverted


def _selected(rule: PolicyRule, flow: Flow) -> bool:
    mask = 0xFFFFFFFF if rule.mask is None else rule.mask
    return (
        _within(flow.source, rule.source)
        and _within(flow.destination, rule.destination)
        and rule.input_device in (None, flow.input_device)
        and rule.output_device in (None, flow.output_device)
        and (rule.mark is None or (flow.mark ^ rule.mark) & mask == 0)
        and _between(flow.user, rule.users)
        and rule.protocol in (None, flow.protocol)
        and _between(flow.source_port, rule.source_ports)
        and _between(flow.destination_port, rule.destination_ports)
        and not rule.tos
        and not any(word.startswith("tun_id") for word in rule.other)
    )


def _within(address: str | None, prefix: str | None) -> bool:
    return prefix is None or (address is not None and ip_address(address) in _network(prefix))


def _between(value: int | None, pair: tuple[int, int] | None) -> bool:
    return pair is None or (value is not None and pair[0] <= value <= pair[1])


def _suppressed(rule: PolicyRule, route: Route) -> bool:
    return rule.suppress_prefix is not None and _network(route.destination).prefixlen <= rule.suppress_prefix


def longest_match(routes: Sequence[Route], destination: str) -> Route | None:
    """The route whose prefix covers the destination most closely; of equals the one of the lowest metric."""
    wanted = ip_address(destination)
    covering = [route for route in routes if wanted in _network(route.destination)]
    return max(covering, key=_closeness, default=None)


def _closeness(route: Route) -> tuple[int, int]:
    return _network(route.destination).prefixlen, -(route.metric or 0)
