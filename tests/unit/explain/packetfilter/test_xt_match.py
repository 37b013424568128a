from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from loopdiag.explain.packetfilter.xt_match import xt_matches
from loopdiag.explain.packetfilter.xt_targets import nat
from loopdiag.explain.packetfilter.xt_words import parse_words
from loopdiag.model.packetfilter import Packet
from tests.unit.explain.packetfilter.rulesets import SYN
from tests.unit.explain.packetfilter.test_nft_match import place

PING = Packet(family=4, protocol="icmp", source="127.0.0.1", destination="127.0.0.1", icmp_type=8, icmp_code=0)


def holds(rule: str, packet: Packet = SYN, hook: str = "input") -> bool | None:
    return xt_matches(parse_words(tuple(shlex.split(rule))), place(packet, hook))[0]


@pytest.mark.parametrize(("rule", "wanted"), [
    ("-p tcp -m tcp --dport 80", True), ("-p tcp -m tcp ! --dport 80", False), ("-p udp", False), ("-p 6", True),
    ("! -p tcp", False), ("-p all", True), ("-p tcp -m tcp --dport 70:90", True), ("-p tcp -m tcp --dport 81:", False),
    ("-s 127.0.0.0/8", True), ("! -s 127.0.0.0/8", False), ("-d 10.0.0.0/255.0.0.0", False), ("-i lo", True),
    ("! -i lo", False), ("-i l+", True), ("-i eth+", False), ("-o eth0", False), ("-f", False), ("! -f", True),
    ("-p tcp -m multiport --dports 22,79:81", True), ("-p tcp -m multiport ! --dports 80", False),
    ("-p tcp -m multiport --ports 40000", True), ("-m state --state NEW,RELATED", True),
    ("-m conntrack --ctstate ESTABLISHED", False), ("-m conntrack ! --ctstate ESTABLISHED", True),
    ("-m conntrack --ctstate DNAT", False), ("-m conntrack --ctdir ORIGINAL", True),
    ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN", True), ("-p tcp -m tcp --tcp-flags ALL ACK", False),
    ("-m comment --comment 'drop -j DROP'", True), ("-m mark --mark 0x1", False), ("-m mark --mark 0x0/0xff", True),
    ("-m addrtype --dst-type LOCAL", True), ("-m addrtype ! --dst-type LOCAL", False),
    ("-m iprange --src-range 127.0.0.0-127.0.0.9", True), ("-m length --length 0:59", False),
    ("-m ttl --ttl-gt 63", True), ("-m ttl --ttl-lt 64", False), ("-m pkttype --pkt-type unicast", True),
    ("-m statistic --mode random --probability 0.5", None), ("-m limit --limit 1/sec", None),
    ("-m set --match-set blocked src", None), ("-m unheard --of 1", None), ("-m owner --uid-owner 1000", False),
    ("-p udp -m limit --limit 1/sec", False), ("-m length --length nonsense", None),
])  # fmt: skip
def test_matches(rule: str, wanted: bool | None) -> None:
    assert holds(rule) is wanted


def test_owners_are_seen_on_the_way_out() -> None:
    assert holds("-m owner --uid-owner 1000", hook="output") is True
    assert holds("-m owner ! --uid-owner 1000", hook="output") is False
    assert holds("-m owner --uid-owner 0-999", hook="output") is False


def test_icmp_types_by_number_and_name() -> None:
    assert holds("-p icmp -m icmp --icmp-type 8", PING) is True
    assert holds("-p icmp -m icmp --icmp-type echo-reply", PING) is False
    assert holds("-p icmp -m icmp --icmp-type any", PING) is True
    assert holds("-p icmp -m icmp --icmp-type 8/0", PING) is True
    six = replace(PING, family=6, protocol="icmpv6", source="::1", destination="::1", icmp_type=128)
    assert holds("-p ipv6-icmp -m icmp6 --icmpv6-type 128", six) is True


def test_the_limit_of_connections_is_told() -> None:
    words = parse_words(
        ("-p", "tcp", "-m", "connlimit", "--connlimit-above", "4", "--connlimit-mask", "32", "--connlimit-saddr")
    )
    assert xt_matches(words, place()) == (None, "a connection limit (over 4)")


def test_the_target_keeps_its_own_options() -> None:
    words = parse_words(("-p", "tcp", "-m", "tcp", "--dport", "80", "-j", "REJECT", "--reject-with", "tcp-reset"))
    assert (words.target, words.target_options) == ("REJECT", {"--reject-with": ("tcp-reset",)})
    assert parse_words(("-i", "lo", "-g", "web")).goto


@pytest.mark.parametrize(("where", "address", "port", "vague"), [
    ("10.0.0.1", "10.0.0.1", None, False), ("10.0.0.1:80", "10.0.0.1", 80, False), (":8080", None, 8080, False),
    ("[::1]:80", "::1", 80, False), ("::1", "::1", None, False), ("10.0.0.1-10.0.0.9:1-9", None, None, True),
])  # fmt: skip
def test_nat_places(where: str, address: str | None, port: int | None, vague: bool) -> None:
    effect = nat("dnat", where)
    assert (effect.address, effect.port, effect.vague) == (address, port, vague)
