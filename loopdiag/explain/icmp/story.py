"""The paragraph that says why ping worked or failed: only what the routes and the counters of this run prove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.icmp.echoes import astray, counted, crossings, echoes, locality, route_of, withheld
from loopdiag.model.address import Address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.echo import IcmpEcho
    from loopdiag.model.facts import Facts
    from loopdiag.model.route import RouteAnswer

_MOST_INTERFACES = 6


def summary(case: Case) -> str:
    """One sentence, where no finding says it."""
    sent = echoes(case)
    if not sent:
        return f"{case.target.host} gives no address to ping"
    said = [_fate(address, seen, case.facts) for address, seen in sent.items()]
    return "; ".join(said)


def _fate(address: str, seen: list[IcmpEcho], facts: Facts) -> str:
    good = [one for one in seen if one.outcome.good]
    if len(good) == len(seen):
        return f"{address} answers every echo request" if len(seen) > 1 else f"{address} answers"
    if good:
        return f"{address} answers {len(good)} of {len(seen)} echo requests"
    last = seen[-1]
    if last.error_from:
        return f"{address} does not answer: {last.error_from} says {last.error}"
    if last.failed_call:
        return f"{address} cannot be pinged: {last.failed_call}() gave {last.errno}"
    if device := astray(address, last, facts):
        return f"{address} does not answer through {device}: it is this host's own, and no packet reaches it there"
    if device := withheld(address, last, facts):
        return (f"{address} does not answer to -I {last.device}: the replies count as come through {device}, and a "
                f"socket that is bound to {last.device} is not given them")  # fmt: skip
    return f"{address} does not answer" + (f" ({last.errno})" if last.errno else "")


def explanation(case: Case) -> str:
    """One plain paragraph: which way the kernel chose, what crossed which interface, how far the requests came."""
    return " ".join(dict.fromkeys(_sentences(case)))


def _sentences(case: Case) -> Iterator[str]:
    for address, seen in echoes(case).items():
        route = route_of(address, case.facts)
        if device := astray(address, seen[0], case.facts):
            yield (f"{address} is this host's own, which packets reach through the loopback interface; yet -I binds "
                   f"the socket to {device}, so these are to leave through {device}.")  # fmt: skip
        elif route:
            yield _way(address, route, locality(address, case.facts))
        if seen[0].failed_call == "socket":
            yield "Nothing was sent: no ICMP socket could be opened."
            continue
        yield from _crossed(address, seen, case.facts, route)
        if any(not one.outcome.good for one in seen):
            yield from _how_far(address, seen, case.facts)
        yield from _timing(seen)


def _way(address: str, route: RouteAnswer, place: str) -> str:
    if route.errno:
        return f"The kernel finds no way to {address}: a route lookup gives {route.errno}."
    rule = f"rule {route.rule.priority} ({route.rule.text.partition(': ')[2]})" if route.rule else "a rule"
    if place == "local" and route.type == "local":
        return _local_way(address, route, rule)
    through = f" by the gateway {route.gateway}" if route.gateway else ""
    return (f"For {address}, {rule} leads to table {route.table}, where the {route.type} route {route.matched} sends "
            f"packets out through {route.device}{through}.")  # fmt: skip


def _local_way(address: str, route: RouteAnswer, rule: str) -> str:
    table = "local (255)" if route.table == "local" else route.table
    found = f"{rule[0].upper()}{rule[1:]} leads to table {table}, where {route.matched} is a route of type local"
    bare = Address(address.partition("%")[0])
    if bare.ip.is_loopback:
        block = " All of 127.0.0.0/8 is such a block of loopback addresses." if _uncommon(bare.text) else ""
        return f"{found}: packets to {address} never leave this host, and take the loopback interface.{block}"
    named = f"The route names {route.device}, the interface that holds the address, yet" if (
        route.device and route.device != route.through) else "So"  # fmt: skip
    return f"{found}: {address} is this host's own. {named} packets to it take the loopback interface lo."


def _uncommon(address: str) -> bool:
    return address.startswith("127.") and address != "127.0.0.1"


def _crossed(address: str, seen: list[IcmpEcho], facts: Facts, route: RouteAnswer | None) -> Iterator[str]:
    counts = crossings(facts)
    if counts is None:
        return
    told = shown(counts)
    lo = next((count for name, count in counts if name == "lo"), 0)
    others = [name for name, count in counts if name != "lo" and count]
    replied = sum(one.outcome.good for one in seen)
    if locality(address, facts) != "local" or replied == 0 or lo < 2 * replied:
        yield f"Packets counted meanwhile, of all programs together: {told}."
    elif others:
        yield f"The counters agree: requests and replies were counted on lo ({told}; other programs' packets included)."
    else:
        alone = " and on no other interface" if len(counts) > 1 else ", the only interface there is"
        yield f"The counters prove it: requests and replies were counted on lo{alone} ({told}), so no cable takes part."


def shown(counts: list[tuple[str, int]]) -> str:
    """`lo +8, eth0 +0`, the quiet ones past the first few left out."""
    parts = [f"{name} +{count}" for name, count in counts if count] + [
        f"{name} +0" for name, count in counts if not count
    ]
    rest = len(parts) - _MOST_INTERFACES
    return ", ".join(parts[:_MOST_INTERFACES]) + (f" and {rest} more" if rest > 0 else "")


def _how_far(address: str, seen: list[IcmpEcho], facts: Facts) -> Iterator[str]:
    """How far the requests came that got no reply, where the target is this host."""
    refused = [one for one in seen if one.failed_call]
    if len(refused) == len(seen):
        yield f"Nothing was sent: {refused[0].failed_call}() gave {refused[0].errno}."
        return
    count = counted(facts, 6 if ":" in address else 4)
    if count is None or locality(address, facts) not in ("local", "group"):
        return
    if count.requests_in == 0:
        yield "The kernel's ICMP counted no echo request as received: the requests were lost on their way in or out."
    elif count.replies_out == 0:
        yield f"The kernel's ICMP counted {count.requests_in} echo requests as received, and sent no reply."
    elif count.replies_in < count.replies_out:
        yield (f"The kernel's ICMP sent {count.replies_out} replies, of which {count.replies_in} came back in: the "
               f"rest were lost on their way back.")  # fmt: skip


def _timing(seen: list[IcmpEcho]) -> Iterator[str]:
    both = [(one.seconds, one.kernel_seconds) for one in seen if one.seconds and one.kernel_seconds is not None]
    if not both:
        return
    whole = sorted(pair[0] for pair in both)[len(both) // 2]
    inside = sorted(pair[1] for pair in both if pair[1] is not None)[len(both) // 2]
    yield (f"By the kernel's own time stamps a round trip took {inside * 1e6:.0f} µs; the {whole * 1e6:.0f} µs that "
           f"this program saw are that and the time of its own system calls and waking up.")  # fmt: skip
