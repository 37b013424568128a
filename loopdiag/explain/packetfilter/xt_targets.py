"""An iptables rule as its effects on a packet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.explain.packetfilter.effects import Effect
from loopdiag.explain.packetfilter.xt_match import xt_matches
from loopdiag.explain.packetfilter.xt_words import parse_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from loopdiag.explain.packetfilter.place import Place
    from loopdiag.explain.packetfilter.xt_words import Words
    from loopdiag.model.packetfilter import FilterRule

    Options = Mapping[str, tuple[str, ...]]

# targets that only look, or change what does not matter here
HARMLESS = ("", "LOG", "NFLOG", "ULOG", "TRACE", "TEE", "AUDIT", "CHECKSUM", "TOS", "DSCP", "TTL", "HL", "TCPMSS",
            "TCPOPTSTRIP", "CLASSIFY", "SET", "SECMARK", "CONNSECMARK", "ECN", "IDLETIMER", "LED", "RATEEST",
            "HMARK", "STANDARD")  # fmt: skip
# iptables-extensions(8), REJECT: its own names for the ICMP codes
REJECTS = {
    "icmp-net-unreachable": "icmp net-unreachable", "net-unreach": "icmp net-unreachable",
    "icmp-host-unreachable": "icmp host-unreachable", "host-unreach": "icmp host-unreachable",
    "icmp-proto-unreachable": "icmp prot-unreachable", "icmp-port-unreachable": "icmp port-unreachable",
    "icmp-net-prohibited": "icmp net-prohibited", "icmp-host-prohibited": "icmp host-prohibited",
    "icmp-admin-prohibited": "icmp admin-prohibited", "tcp-reset": "tcp reset",
    "icmp6-no-route": "icmpv6 no-route", "icmp6-adm-prohibited": "icmpv6 admin-prohibited",
    "icmp6-addr-unreachable": "icmpv6 addr-unreachable", "icmp6-port-unreachable": "icmpv6 port-unreachable",
    "icmp6-policy-fail": "icmpv6 policy-fail", "icmp6-reject-route": "icmpv6 reject-route",
}  # fmt: skip


def xt_effects(rule: FilterRule, place: Place) -> Iterator[Effect]:
    """What `rule` does to the packet at `place`; nothing where it does not match.

    The counter was read after the probe: where it is 0, no packet has ever matched.
    """
    if rule.packets == 0:
        return
    words = parse_words(tuple(str(word) for word in rule.expressions))
    holds, needs = xt_matches(words, place)
    if holds is False:
        return
    effect = _effect(words, place, holds is True, needs)
    if effect is not None:
        yield effect


def _effect(words: Words, place: Place, sure: bool, needs: str) -> Effect | None:
    target, options = words.target, words.target_options
    if target in HARMLESS:
        return None
    make = TARGETS.get(target)
    if make is None:
        kind = "goto" if words.goto else "jump"
        return Effect(kind=kind, sure=sure, depends_on=needs, target=target)
    found = make(options, place)
    return None if found is None else _replaced(found, sure, needs)


def _replaced(effect: Effect, sure: bool, needs: str) -> Effect:
    return replace(effect, sure=sure and effect.sure, depends_on=needs or effect.depends_on)


def _first(options: Options, *names: str) -> str:
    return next((options[name][0] for name in names if options.get(name)), "")


def _reject(options: Options, place: Place) -> Effect:
    """Without --reject-with: port-unreachable."""
    default = "icmp-port-unreachable" if place.packet.family == 4 else "icmp6-port-unreachable"
    kind = _first(options, "--reject-with") or default
    return Effect(kind="reject", target=REJECTS.get(kind, kind))


def _queue(options: Options, place: Place) -> Effect:
    numbers = _first(options, "--queue-num") or _first(options, "--queue-balance").replace(":", "-") or "0"
    return Effect(kind="queue", target=numbers, bypass="--queue-bypass" in options)


def _dnat(options: Options, place: Place) -> Effect:
    return nat("dnat", _first(options, "--to-destination"))


def _snat(options: Options, place: Place) -> Effect:
    return nat("snat", _first(options, "--to-source"))


def nat(kind: str, where: str) -> Effect:
    """`1.2.3.4`, `1.2.3.4:80`, `1.2.3.4-1.2.3.9:80-90`, `[::1]:80`, `:80`."""
    if where.startswith("["):
        address, _, port = where[1:].partition("]")
        port = port.removeprefix(":")
    elif where.count(":") > 1:
        address, port = where, ""
    else:
        address, _, port = where.partition(":")
    vague = "-" in address or "-" in port
    port = port.partition("/")[0]
    return Effect(
        kind=kind,
        address=address if address and "-" not in address else None,
        port=int(port) if port.isdecimal() else None,
        vague=vague,
        target=where if vague else "",
    )


def _redirect(options: Options, place: Place) -> Effect:
    return nat("redirect", f":{_first(options, '--to-ports')}")


def _masquerade(options: Options, place: Place) -> Effect:
    return Effect(kind="masquerade")


def _netmap(options: Options, place: Place) -> Effect:
    kind = "dnat" if place.hook in ("prerouting", "output") else "snat"
    return Effect(kind=kind, vague=True, target=_first(options, "--to"))


def _track(options: Options, place: Place) -> Effect | None:
    return Effect(kind="notrack") if "--notrack" in options else None


def _mark(options: Options, place: Place) -> Effect:
    """`--set-xmark value/mask`: the bits of mask are cleared, then those of value turned over."""
    value, _, mask = (_first(options, "--set-xmark", "--set-mark") or "?").partition("/")
    try:
        number, bits = int(value, 0), int(mask, 0) if mask else 0xFFFFFFFF
    except ValueError:
        return Effect(kind="mark")
    if "mark" in place.packet.unknown:
        return Effect(kind="mark", value=number if bits == 0xFFFFFFFF else None)
    return Effect(kind="mark", value=(place.packet.mark & ~bits) ^ number)


def _connmark(options: Options, place: Place) -> Effect:
    if "--restore-mark" in options:
        return Effect(kind="mark", value=place.connection.mark if not options["--restore-mark"] else None)
    if "--save-mark" in options and "mark" not in place.packet.unknown:
        return Effect(kind="connmark", value=place.packet.mark)
    return Effect(kind="connmark")


def _tproxy(options: Options, place: Place) -> Effect:
    return Effect(kind="tproxy", target=f"{_first(options, '--on-ip')}:{_first(options, '--on-port')}")


TARGETS: Mapping[str, Callable[[Options, Place], Effect | None]] = {
    "ACCEPT": lambda options, place: Effect(kind="accept"),
    "DROP": lambda options, place: Effect(kind="drop"),
    "RETURN": lambda options, place: Effect(kind="return"),
    "QUEUE": _queue,
    "NFQUEUE": _queue,
    "REJECT": _reject,
    "DNAT": _dnat,
    "SNAT": _snat,
    "REDIRECT": _redirect,
    "MASQUERADE": _masquerade,
    "NETMAP": _netmap,
    "NOTRACK": lambda options, place: Effect(kind="notrack"),
    "CT": _track,
    "MARK": _mark,
    "CONNMARK": _connmark,
    "TPROXY": _tproxy,
    "SYNPROXY": lambda options, place: Effect(kind="synproxy"),
}
