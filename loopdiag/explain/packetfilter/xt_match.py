"""Whether the matches of an iptables rule hold for a packet: iptables-extensions(8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.packetfilter.symbols import ICMP_TYPES, ICMPV6_TYPES, PROTOCOLS, TCP_FLAGS
from loopdiag.explain.packetfilter.values import ABSENT, Answer, Span, Value, all_of, any_of, exactly, negate, within
from loopdiag.explain.packetfilter.xt_connection import CONNECTION
from loopdiag.explain.packetfilter.xt_ranges import network, number_range, port_range

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loopdiag.explain.packetfilter.place import Place
    from loopdiag.explain.packetfilter.xt_words import Option, Words

# module -> what a rule with it depends on, where nothing of it can be decided
DEPENDS = {
    "limit": "a rate limit", "hashlimit": "a rate limit", "connlimit": "a connection limit", "statistic": "chance",
    "time": "the time", "recent": "what came before", "quota": "a quota", "set": "an ipset", "string": "the payload",
    "u32": "the packet's bytes", "bpf": "a BPF program", "owner": "the socket's owner", "cgroup": "the cgroup",
    "socket": "the socket's owner",
}  # fmt: skip


def xt_matches(words: Words, place: Place) -> tuple[Answer, str]:
    """Whether all matches of the rule hold, and what that depends on where it cannot be decided."""
    answers = [(option, _holds(option, place)) for option in words.options]
    result = all_of(answer for _, answer in answers)
    if result is not None:
        return result, ""
    open_ = [option for option, answer in answers if answer is None]
    return None, _what_it_needs(open_[0])


def _what_it_needs(option: Option) -> str:
    needs = DEPENDS.get(option.module, "what cannot be seen from outside")
    if option.module == "connlimit":
        return f"{needs} ({'over' if 'above' in option.name else 'up to'} {' '.join(option.values)})"
    return needs


def _holds(option: Option, place: Place) -> Answer:
    test = TESTS.get((option.module, option.name)) or TESTS.get(("*", option.name))
    if option.module == "comment":
        return True
    if test is None:
        return None
    try:
        answer = test(option.values, place)
    except (ValueError, IndexError):
        return None
    return negate(answer) if option.negated else answer


def _protocol(values: tuple[str, ...], place: Place) -> Answer:
    name = values[0].lower()
    wanted = PROTOCOLS[name] if name in PROTOCOLS else 0 if name == "all" else int(name)
    return wanted == 0 or wanted == place.protocol


def _in(end: str) -> Callable[[tuple[str, ...], Place], Answer]:
    return lambda values, place: any_of(within(place.address(end), network(one)) for one in values[0].split(","))


def _through(side: str) -> Callable[[tuple[str, ...], Place], Answer]:
    """A device name, a final + standing for the rest of it."""
    return lambda values, place: within(getattr(place, side), values[0].replace("+", "*"))


def _ports(*ends: str) -> Callable[[tuple[str, ...], Place], Answer]:
    def holds(values: tuple[str, ...], place: Place) -> Answer:
        if place.packet.protocol not in ("tcp", "udp"):
            return False
        return any_of(within(place.port(end), port_range(one)) for end in ends for one in values[0].split(","))

    return holds


def _tcp_flags(values: tuple[str, ...], place: Place) -> Answer:
    if "tcp_flags" in place.packet.unknown:
        return None
    mask, wanted = (_flag_bits(text) for text in values[:2])
    has = sum(TCP_FLAGS[flag] for flag in place.packet.tcp_flags)
    return has & mask == wanted


def _flag_bits(text: str) -> int:
    names = {"ALL": 63, "NONE": 0}
    return sum(names[name] if name in names else TCP_FLAGS[name.lower()] for name in text.split(","))


def _icmp(names: Mapping[str, int]) -> Callable[[tuple[str, ...], Place], Answer]:
    def holds(values: tuple[str, ...], place: Place) -> Answer:
        kind, _, code = values[0].partition("/")
        if kind in ("any", "255"):
            return True
        wanted = exactly(names[kind] if kind in names else int(kind))
        answers = [within(place.number("icmp_type"), wanted)]
        if code:
            answers.append(within(place.number("icmp_code"), number_range(code)))
        return all_of(answers)

    return holds


def _number(name: str) -> Callable[[tuple[str, ...], Place], Answer]:
    return lambda values, place: within(place.number(name), number_range(values[0]))


def _ttl(low: int, high: int) -> Callable[[tuple[str, ...], Place], Answer]:
    """`--ttl-eq N`, `--ttl-lt N` (low -1), `--ttl-gt N` (high 1)."""

    def holds(values: tuple[str, ...], place: Place) -> Answer:
        wanted = int(values[0])
        span = Span(0, wanted - 1) if low else Span(wanted + 1, 255) if high else exactly(wanted)
        return within(place.number("ttl"), span)

    return holds


def _mark(values: tuple[str, ...], place: Place) -> Answer:
    return masked(place.number("mark"), values[0])


def masked(value: Value, text: str) -> Answer:
    """`value` under a mask: `0x1/0xff`."""
    wanted, _, mask = text.partition("/")
    if not isinstance(value, Span) or not value.exact:
        return None
    return value.low & (int(mask, 0) if mask else 0xFFFFFFFF) == int(wanted, 0)


def _owner(name: str) -> Callable[[tuple[str, ...], Place], Answer]:
    def holds(values: tuple[str, ...], place: Place) -> Answer:
        if not place.owner_known:
            return False
        value = place.number(name)
        return False if value is ABSENT else within(value, number_range(values[0]))

    return holds


def _address_type(end: str) -> Callable[[tuple[str, ...], Place], Answer]:
    types = {"UNSPEC": 0, "UNICAST": 1, "LOCAL": 2, "BROADCAST": 3, "ANYCAST": 4, "MULTICAST": 5, "BLACKHOLE": 6,
             "UNREACHABLE": 7, "PROHIBIT": 8}  # fmt: skip
    return lambda values, place: any_of(
        within(place.address_type(end), exactly(types[name]) if name in types else None)
        for name in values[0].upper().split(",")
    )


def _address_range(end: str) -> Callable[[tuple[str, ...], Place], Answer]:
    def holds(values: tuple[str, ...], place: Place) -> Answer:
        low, _, high = values[0].partition("-")
        first, last = network(low), network(high or low)
        span = Span(first.low, last.high) if first and last else None
        return within(place.address(end), span)

    return holds


def _packet_type(values: tuple[str, ...], place: Place) -> Answer:
    return values[0] in ("unicast", "host")


def _always(values: tuple[str, ...], place: Place) -> Answer:
    return True


def _never(values: tuple[str, ...], place: Place) -> Answer:
    return False


TESTS: Mapping[tuple[str, str], Callable[[tuple[str, ...], Place], Answer]] = {
    ("", "--protocol"): _protocol,
    ("", "--source"): _in("source"),
    ("", "--destination"): _in("destination"),
    ("", "--in-interface"): _through("input"),
    ("", "--out-interface"): _through("output"),
    ("", "--fragment"): _never,
    ("*", "--sport"): _ports("source_port"),
    ("*", "--dport"): _ports("destination_port"),
    ("*", "--sports"): _ports("source_port"),
    ("*", "--dports"): _ports("destination_port"),
    ("multiport", "--ports"): _ports("source_port", "destination_port"),
    ("tcp", "--tcp-flags"): _tcp_flags,
    ("tcp", "--syn"): lambda values, place: _tcp_flags(("FIN,SYN,RST,ACK", "SYN"), place),
    ("icmp", "--icmp-type"): _icmp(ICMP_TYPES),
    ("icmp6", "--icmpv6-type"): _icmp(ICMPV6_TYPES),
    ("icmpv6", "--icmpv6-type"): _icmp(ICMPV6_TYPES),
    ("length", "--length"): _number("length"),
    ("ttl", "--ttl-eq"): _ttl(0, 0),
    ("ttl", "--ttl-lt"): _ttl(-1, 0),
    ("ttl", "--ttl-gt"): _ttl(0, 1),
    ("hl", "--hl-eq"): _ttl(0, 0),
    ("hl", "--hl-lt"): _ttl(-1, 0),
    ("hl", "--hl-gt"): _ttl(0, 1),
    ("mark", "--mark"): _mark,
    ("owner", "--uid-owner"): _owner("uid"),
    ("owner", "--gid-owner"): _owner("gid"),
    ("owner", "--socket-exists"): lambda values, place: place.owner_known and place.packet.uid is not None,
    ("addrtype", "--src-type"): _address_type("source"),
    ("addrtype", "--dst-type"): _address_type("destination"),
    ("iprange", "--src-range"): _address_range("source"),
    ("iprange", "--dst-range"): _address_range("destination"),
    ("pkttype", "--pkt-type"): _packet_type,
    ("rpfilter", "--invert"): _never,  # on lo the reverse path always holds
    ("rpfilter", "--loose"): _always,
    ("rpfilter", "--validmark"): _always,
    ("policy", "--dir"): _always,
    ("policy", "--pol"): lambda values, place: values[0] == "none",
    **CONNECTION,
}
