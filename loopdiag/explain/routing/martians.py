"""Packets that the kernel takes for impossible: by reverse path, or 127/8 on another interface than lo. RFC 3704."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.asked import Trouble, asked, plain, route_says, troubles
from loopdiag.explain.evidence import known
from loopdiag.explain.own import covering, interfaces, is_loopback, number_setting, on_link
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.journey import Drop
    from loopdiag.model.packetfilter import FilterPath, Packet

STRICT = 1  # net.ipv4.conf.*.rp_filter: 0 off, 1 strict, 2 loose; ip-sysctl.rst
COUNTER = "TcpExt.IPReversePathFilter"


def reverse_path_filter(case: Case) -> Iterator[Finding]:
    """A packet came in by another interface than the one that leads back to its source."""
    silent = [one for one in troubles(case) if not one.six and not one.answered and one.seen and not one.binding]
    if not silent:
        return
    one = silent[0]
    drop = _drop(case, "IP_RPFILTER")
    counters = known(case.facts.counters)
    counted = counters.protocol.get(COUNTER, 0) if counters else 0
    if drop:
        yield _by_reverse_path(case, one, drop.device, _seen_drop(drop), Certainty.PROVEN)
    elif counted > 0 and _strict_devices(case):
        yield _by_reverse_path(case, one, None, Evidence(COUNTER, f"+{counted} during the attempt"), Certainty.LIKELY)
    elif skew := _skewed(case, one) or _other_door(case, one):
        yield _by_reverse_path(case, one, skew[0], skew[1], Certainty.LIKELY)


def _drop(case: Case, *reasons: str) -> Drop | None:
    return next((drop for drop in known(case.facts.drops) or () if drop.reason in reasons), None)


def _seen_drop(drop: Drop) -> Evidence:
    on = f" on {drop.device}" if drop.device else ""
    return Evidence("tracepoint skb:kfree_skb", f"{drop.reason} in {drop.place}{on}")


def _strict_devices(case: Case) -> list[str]:
    return [each.name for each in interfaces(case) if number_setting(case, "ipv4", each.name, "rp_filter") == STRICT]


def _skewed(case: Case, one: Trouble) -> tuple[str, Evidence] | None:
    """The packet leaves by one interface, the way back to its destination leads by another, and the first is strict."""
    out = plain(case, one.address)
    back = next((each for each in asked(case) if each.way == "reverse" and each.about == one.address), None)
    if out is None or back is None or out.type != "unicast" or back.through in (None, out.through):
        return None
    return (out.through, route_says(back)) if out.through in _strict_devices(case) else None


def _other_door(case: Case, one: Trouble) -> tuple[str, Evidence] | None:
    """No IPv4 packet came in, yet frames of another kind did, on a strict interface that the packet did not leave by.

    They are the ARP requests of the host that would answer: strict filtering drops those too, uncounted.
    """
    counters, out = known(case.facts.counters), plain(case, one.address)
    if counters is None or out is None or out.type != "unicast" or not one.timed_out:
        return None
    came = counters.protocol
    rest = sum(count for name, count in counters.received.items() if name != "lo") - came.get("Ip6.InReceives", 0)
    if came.get("Ip.InReceives", 0) or rest <= 0:
        return None
    for device in _strict_devices(case):
        count = counters.received.get(device, 0)
        if count and device not in ("lo", out.through):
            return device, Evidence(
                f"packets received by {device}", f"+{count}, and not one IPv4 packet on any interface"
            )
    return None


def _by_reverse_path(case: Case, one: Trouble, device: str | None, proof: Evidence, sure: Certainty) -> Finding:
    strict = [device] if device else _strict_devices(case)
    where = ", ".join(name for name in strict if name) or "an interface"
    values = tuple(
        Evidence(f"sysctl net.ipv4.conf.{name}.rp_filter", f"{value} (the greater of all and {name})")
        for name in strict[:2]
        if name and (value := number_setting(case, "ipv4", name, "rp_filter")) is not None
    )
    run = f"sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.{strict[0] if len(strict) == 1 else 'lo'}.rp_filter=2"
    return Finding(
        cause="reverse-path-filter",
        certainty=sure,
        subject=one.subject,
        statement=f"strict reverse path filtering on {where} drops packets of {one.subject}: the route to their source "
        f"does not lead by the interface that they came in by",
        evidence=(proof, *values, *one.evidence),
        fixes=(Fix("filter loosely", run), Fix("or make the routes there and back agree")),
    )


def martian_arrival(case: Case) -> Iterator[Finding]:
    """`route --iif`: a packet for (or from) 127/8 that comes in by another interface than lo."""
    for answer in asked(case) if case.command == "route" else ():
        device, ends = answer.input_device, (answer.destination, answer.asked_from or "0.0.0.0")
        if answer.errno is None or device in (None, "lo") or ":" in answer.destination:
            continue
        closed = number_setting(case, "ipv4", device or "", "route_localnet") == 0
        if closed and any(is_loopback(one) for one in ends):
            sent = f"from {ends[1]} to {ends[0]}"
            yield _martian(case, Trouble(answer.destination), device, (route_says(answer),), None, sent)


def martian_loopback(case: Case) -> Iterator[Finding]:
    """A packet with a 127/8 address was to cross another interface than lo, and its route_localnet is off."""
    for one in troubles(case):
        if one.six or one.answered or not one.seen or one.binding:
            continue
        path = next((path for path in case.facts.filter_paths or () if _crosses(case, path)), None)
        drop = _drop(case, "IP_LOCALNET")
        if drop:
            yield _martian(case, one, drop.device, (_seen_drop(drop),), path)
            return
        if path and path.rewritten:
            device = _leaves_by(case, path.rewritten)
            if device and number_setting(case, "ipv4", device, "route_localnet") == 0:
                yield _martian(case, one, device, (), path)
                return
        yield from _plainly(case, one)


def _crosses(case: Case, path: FilterPath) -> bool:
    """Nat left the packet with 127/8 as its source on the way to another host."""
    new = path.rewritten
    if new is None or new.family != 4:
        return False
    return _foreign(case, new.destination) and is_loopback(new.source)


def _foreign(case: Case, address: str) -> bool:
    return not is_loopback(address) and covering(case, address) is None


def _leaves_by(case: Case, packet: Packet) -> str | None:
    """The interface that leads to the packet's new destination, as far as it can be told."""
    if packet.output_device and packet.output_device != "lo":
        return packet.output_device
    near = on_link(case, packet.destination)
    if near:
        return near.name
    others = [each.name for each in interfaces(case) if each.up and not each.loopback]
    return others[0] if len(others) == 1 else None


def _plainly(case: Case, one: Trouble) -> Iterator[Finding]:
    """Without nat: a 127/8 source towards another interface, by its own route."""
    answer = plain(case, one.address)
    source = next((seen.local for seen in one.seen if seen.local), None)
    if answer is None or answer.type != "unicast" or source is None or not _foreign(case, one.address):
        return
    device = answer.through or ""
    if is_loopback(source.rpartition(":")[0] or source) and number_setting(case, "ipv4", device, "route_localnet") == 0:
        yield _martian(case, one, device, (route_says(answer),), None)


def _martian(
    case: Case,
    one: Trouble,
    device: str | None,
    proof: tuple[Evidence, ...],
    path: FilterPath | None,
    sent: str | None = None,
) -> Finding:
    """`sent` says from where to where, for a packet that was only asked about."""
    where = device or "another interface"
    value = number_setting(case, "ipv4", device, "route_localnet") if device else None
    settings = (Evidence(f"sysctl net.ipv4.conf.{device}.route_localnet", str(value)),) if value is not None else ()
    return Finding(
        cause="martian-loopback",
        subject=one.subject,
        statement=f"{_packet(one, path, sent)} would cross {where} with an address of 127.0.0.0/8, which "
        "the kernel drops as martian while route_localnet is off there",
        evidence=(*proof, *settings, *_nat(path), *one.evidence),
        fixes=(
            Fix(f"let 127/8 cross {where}", f"sysctl -w net.ipv4.conf.{device or 'all'}.route_localnet=1"),
            Fix("or listen on, and connect to, an address outside 127/8"),
        ),
    )


def _packet(one: Trouble, path: FilterPath | None, sent: str | None) -> str:
    """The packet by its way."""
    if sent:
        return f"a packet {sent}"
    rewritten = path.rewritten if path else None
    return f"the packet to {one.subject}" + (f", which nat sends on to {rewritten.destination}," if rewritten else "")


def _nat(path: FilterPath | None) -> tuple[Evidence, ...]:
    if path is None:
        return ()
    steps = [step for step in path.steps if step.action in ("dnat", "redirect") and step.rule]
    return tuple(Evidence(f"{step.hook} {step.action}", step.rule.text) for step in steps[:1] if step.rule)
