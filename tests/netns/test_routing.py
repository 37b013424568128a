"""What we read of interfaces, addresses, routes and rules, beside what `ip` and pyroute2 say of the same host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopdiag.host.linux.interfaces import read_interfaces
from loopdiag.host.linux.lookup import ask_route
from loopdiag.host.linux.routes import read_table
from loopdiag.host.linux.rules import read_rules
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip")

SETUP = """
ip link set lo up
ip link add up0 type veth peer name up1
ip addr add 10.1.0.4/24 brd + dev up0
ip addr add 10.1.0.5/24 dev up0
ip addr add 10.9.0.1 peer 10.9.0.2/32 dev up0
ip addr add fd01::4/64 dev up0 nodad
ip link set up0 up
ip link set up1 up mtu 1400
ip link add br0 type bridge
ip link set up1 master br0
ip route add default via 10.1.0.1
ip route add 10.2.0.0/16 via 10.1.0.9 metric 50
ip route add unreachable 10.3.0.0/16
ip route add blackhole 127.0.0.77/32 table local
ip route add prohibit 10.4.0.0/16 table 40
ip route add default dev up0 table 41
ip -6 route add default via fd01::1
ip -6 route add blackhole fd03::/16
"""
RULES = """
ip rule add pref 10 to 10.4.0.0/16 lookup 40
ip rule add pref 20 from 10.1.0.5 lookup 41
ip rule add pref 30 fwmark 0x5/0xff lookup 41
ip rule add pref 40 ipproto tcp dport 80-90 to 10.5.0.1 lookup 41
ip rule add pref 50 uidrange 70000-70009 lookup 41
ip rule add pref 60 from 10.0.0.0/8 iif up1 goto 32766
ip rule add pref 65 not from all iif lo lookup 41
ip rule add pref 70 to 10.6.0.1 unreachable
ip rule add pref 80 to 10.7.0.1 prohibit
ip rule add pref 90 lookup main suppress_prefixlength 0
ip -6 rule add pref 10 from fd01::/64 lookup 41
"""
ASKED = ("127.0.0.1", "127.9.9.9", "127.0.0.77", "10.1.0.4", "10.1.0.255", "10.1.0.99", "10.2.3.4", "10.3.0.1",
         "10.4.0.1", "10.6.0.1", "10.7.0.1", "192.0.2.1", "10.9.0.2", "::1", "fd01::4", "fd01::99", "fd03::1",
         "2001:db8::1")  # fmt: skip


@pytest.fixture
def routed(host: Host) -> Host:
    host.sh(SETUP)
    return host


def ip(host: Host, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(host.sh(f"ip -j -d {' '.join(words)}") or "[]")
    return found


def test_interfaces_and_addresses(routed: Host) -> None:
    ours = routed.call(read_interfaces)
    assert not isinstance(ours, Unknown)
    theirs = {one["ifname"]: one for one in ip(routed, "addr")}
    assert [one.name for one in ours] == list(theirs)
    for one in ours:
        other = theirs[one.name]
        assert (one.index, one.mtu, one.qdisc) == (other["ifindex"], other["mtu"], other["qdisc"])
        assert one.up is ("UP" in other["flags"])
        assert one.loopback is ("LOOPBACK" in other["flags"])
        assert ("multicast" in one.flags) is ("MULTICAST" in other["flags"])
        assert one.master == other.get("master")
        assert one.kind == other.get("linkinfo", {}).get("info_kind")
        shown = [(each["local"], each.get("address"), each["prefixlen"], each["scope"]) for each in other["addr_info"]]
        assert [(each.address, each.peer, each.prefix, each.scope) for each in one.addresses] == shown


def test_a_tentative_address_is_told(routed: Host) -> None:
    routed.sh("echo 30 > /proc/sys/net/ipv6/conf/up0/dad_transmits; ip addr add fd01::77/64 dev up0")
    ours = routed.call(read_interfaces)
    assert not isinstance(ours, Unknown)
    flags = {each.address: each.flags for one in ours for each in one.addresses}
    assert "tentative" in flags["fd01::77"]
    assert "tentative" not in flags["fd01::4"]


@pytest.mark.parametrize("table", ["local", "main", "40", "41", "4242"])
def test_tables(routed: Host, table: str) -> None:
    ours = routed.call(read_table, table)
    assert not isinstance(ours, Unknown)
    theirs = []
    for family, everything in (("-4", "0.0.0.0/0"), ("-6", "::/0")):
        bits = "/32" if family == "-4" else "/128"
        done = routed.sh(f"ip -j {family} route show table {table} 2>/dev/null || true")
        for one in json.loads(done) if done.strip().endswith("]") else []:  # a table that is not there is cut short
            target = everything if one["dst"] == "default" else one["dst"]
            target = target if "/" in target else target + bits
            theirs.append((target, one.get("type", "unicast"), one.get("gateway"), one.get("metric")))
    got = [(one.destination, one.type, one.gateway, one.metric) for one in ours]
    assert sorted(got, key=str) == sorted(theirs, key=str)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_rules_read_as_ip_rule_shows_them(routed: Host, family: str) -> None:
    routed.sh(RULES)
    ours = routed.call(read_rules)
    assert not isinstance(ours, Unknown)
    shown = routed.sh(f"ip -{family[-1]} rule").splitlines()
    assert [one.text for one in ours if one.family == family] == [" ".join(line.split()) for line in shown]


@pytest.mark.parametrize("rules", ["", RULES])
def test_the_kernel_is_understood_as_ip_understands_it(routed: Host, rules: str) -> None:
    routed.sh(rules)
    for address in ASKED:
        ours = routed.call(ask_route, address)
        assert not isinstance(ours, Unknown)
        said = routed.sh(f"ip -j route get {address} 2>&1 || true")
        if "RTNETLINK" in said:
            assert ours.errno is not None, address
            continue
        (other,) = json.loads(said)
        assert ours.errno is None
        assert (ours.type, ours.through) == (other.get("type", "unicast"), other["dev"]), address
        assert ours.source == other.get("prefsrc"), address


@pytest.mark.parametrize(
    ("address", "words", "priority", "table", "kind"),
    [
        ("127.0.0.1", {}, 0, "local", "local"),
        ("10.4.0.1", {}, 10, "40", "prohibit"),
        ("192.0.2.1", {}, 32766, "main", "unicast"),
        ("192.0.2.1", {"source": "10.1.0.5"}, 20, "41", "unicast"),
        ("192.0.2.1", {"mark": 0x105}, 30, "41", "unicast"),
        ("10.5.0.1", {"protocol": "tcp", "port": 85}, 40, "41", "unicast"),
        ("10.5.0.1", {"protocol": "udp", "port": 85}, 32766, "main", "unicast"),
        ("192.0.2.1", {"user": 70005}, 50, "41", "unicast"),
        ("10.6.0.1", {}, 70, None, "unreachable"),
        ("10.7.0.1", {}, 80, None, "prohibit"),
        ("10.2.0.1", {}, 90, "main", "unicast"),
        ("10.3.0.1", {}, 90, "main", "unreachable"),
        ("127.0.0.77", {}, 0, "local", "blackhole"),
        ("fd03::1", {}, 32766, "main", "blackhole"),
    ],
)
def test_which_rule_decided(
    routed: Host, address: str, words: dict[str, Any], priority: int, table: str | None, kind: str
) -> None:
    routed.sh(RULES)
    found = routed.call(lambda: ask_route(address, **words))
    assert not isinstance(found, Unknown)
    assert found.rule is not None
    assert (found.rule.priority, found.table, found.type) == (priority, table, kind)


def test_local_and_main_are_one_until_a_rule_is_added(routed: Host) -> None:
    routed.sh("ip route add prohibit 127.0.0.88/32")
    before = routed.call(ask_route, "127.0.0.88")
    routed.sh("ip rule add pref 9 to 203.0.113.1 lookup 40")
    after = routed.call(ask_route, "127.0.0.88")
    assert not isinstance(before, Unknown)
    assert not isinstance(after, Unknown)
    assert (before.type, before.table, before.errno) == ("prohibit", "main", "EACCES")
    assert (after.type, after.table, after.errno) == ("local", "local", None)


def test_pyroute2_agrees(routed: Host) -> None:
    pyroute2 = pytest.importorskip("pyroute2")

    def theirs() -> tuple[set[str], set[int]]:
        with pyroute2.IPRoute() as route:
            addresses = {one.get_attr("IFA_LOCAL") or one.get_attr("IFA_ADDRESS") for one in route.get_addr()}
            priorities = {one.get_attr("FRA_PRIORITY") or 0 for one in route.get_rules(family=2)}
            return addresses, priorities

    routed.sh(RULES)
    addresses, priorities = routed.call(theirs)
    interfaces, rules = routed.call(read_interfaces), routed.call(read_rules)
    assert not isinstance(interfaces, Unknown)
    assert not isinstance(rules, Unknown)
    assert {each.address for one in interfaces for each in one.addresses} == addresses
    assert {one.priority for one in rules if one.family == "ipv4"} == priorities
