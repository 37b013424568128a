from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from loopdiag.explain.packetfilter.nft_match import matches
from loopdiag.explain.packetfilter.place import Connection, Place, World
from tests.unit.explain.packetfilter.rulesets import SYN

if TYPE_CHECKING:
    from loopdiag.model.packetfilter import Packet

TABLE = ("inet", "t")
SETS = {
    ("inet", "t", "ports"): {"elem": [22, {"range": [80, 90]}]},
    ("inet", "t", "pairs"): {"elem": [{"concat": [{"prefix": {"addr": "127.0.0.0", "len": 8}}, {"range": [1, 99]}]}]},
    ("inet", "t", "timed"): {"elem": [{"elem": {"val": "127.0.0.1", "timeout": 60, "expires": 5}}]},
}
SIX = replace(SYN, family=6, source="::1", destination="::1")
DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}
SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}


def place(packet: Packet = SYN, hook: str = "input", **changed: Any) -> Place:
    where: dict[str, Any] = {"input": "lo", "output": ""} if hook in ("input", "prerouting") else {}
    found = Place(packet=packet, connection=Connection(original=packet), sets=SETS, hook=hook, tracked=True,
                  world=World(addresses=frozenset({"127.0.0.1", "10.0.0.1"}), devices={"lo": 1}), **where)  # fmt: skip
    for name, value in changed.items():
        setattr(found, name, value)
    return found


def holds(left: Any, right: Any, op: str = "==", at: Place | None = None) -> bool | None:
    return matches({"op": op, "left": left, "right": right}, at or place(), TABLE)


@pytest.mark.parametrize(("right", "op", "wanted"), [
    (80, "==", True), (81, "==", False), (80, "!=", False), ({"range": [1, 80]}, "==", True),
    ({"set": [22, {"range": [79, 81]}]}, "==", True), ({"set": [22]}, "!=", True), ("@ports", "==", True),
    ("@nowhere", "==", None), (79, ">", True), (80, "<", False), (80, "<=", True),
])  # fmt: skip
def test_ports(right: Any, op: str, wanted: bool | None) -> None:
    assert holds(DPORT, right, op) is wanted


def test_addresses_and_prefixes() -> None:
    assert holds(SADDR, "127.0.0.1") is True
    assert holds(SADDR, {"prefix": {"addr": "10.0.0.0", "len": 8}}) is False
    assert holds(SADDR, {"set": ["10.0.0.1", {"range": ["127.0.0.0", "127.0.0.9"]}]}) is True
    assert holds({"&": [SADDR, "255.0.0.0"]}, "127.0.0.0") is True
    assert holds(SADDR, "@timed") is True


def test_the_other_ip_version_never_matches() -> None:
    assert holds(SADDR, "127.0.0.1", "!=", place(SIX)) is False
    assert holds({"meta": {"key": "nfproto"}}, "ipv6", at=place(SIX)) is True


def test_rows() -> None:
    assert holds({"concat": [SADDR, DPORT]}, "@pairs") is True
    assert holds({"concat": [SADDR, DPORT]}, {"set": [{"concat": ["127.0.0.1", 81]}]}) is False
    assert holds({"concat": [{"meta": {"key": "iifname"}}, DPORT]}, {"set": [{"concat": ["lo", 80]}]}) is True


def test_flags() -> None:
    assert holds(FLAGS, "syn", "in") is True
    assert holds(FLAGS, ["ack", "rst"], "in") is False
    assert holds({"&": [FLAGS, ["syn", "ack"]]}, "syn") is True
    assert holds({"&": [FLAGS, {"|": ["syn", "ack"]}]}, "ack") is False
    assert holds(FLAGS, {"set": ["syn", "ack"]}) is True
    assert holds(FLAGS, "syn", "!=") is False


def test_states() -> None:
    state = {"ct": {"key": "state"}}
    assert holds(state, ["established", "related"], "in") is False
    assert holds(state, "new", "in") is True
    assert holds(state, {"set": ["new", "untracked"]}) is True
    assert holds(state, "invalid", "in", place(tracked=False)) is True


def test_devices() -> None:
    iif, oif = {"meta": {"key": "iifname"}}, {"meta": {"key": "oif"}}
    assert holds(iif, "l*") is True
    assert holds({"meta": {"key": "iif"}}, 1) is True
    assert holds(iif, "lo", "!=", place(hook="output")) is True
    assert holds(oif, "lo", at=place(hook="output")) is True
    assert holds(oif, "lo") is False
    assert holds(oif, "eth0", at=place(hook="output", output=None)) is None


def test_the_owner_is_known_on_the_way_out_only() -> None:
    owner = {"meta": {"key": "skuid"}}
    assert holds(owner, 1000, at=place(hook="output")) is True
    assert holds(owner, 1000) is False
    kernel = replace(SYN, uid=None)
    assert holds(owner, 1000, "!=", place(kernel, hook="output")) is False
    hidden = replace(SYN, unknown=frozenset({"uid"}))
    assert holds(owner, 1000, at=place(hidden, hook="output")) is None


def test_a_source_port_that_is_not_known_is_a_high_one() -> None:
    later = place(replace(SYN, source_port=None))
    sport = {"payload": {"protocol": "tcp", "field": "sport"}}
    assert holds(sport, {"range": [1024, 65535]}, at=later) is True
    assert holds(sport, 80, at=later) is False
    assert holds(sport, 40000, at=later) is None


def test_routes_of_own_addresses_are_local() -> None:
    kind = {"fib": {"result": "type", "flags": ["daddr"]}}
    assert holds(kind, "local") is True
    assert holds(kind, "local", at=place(replace(SYN, destination="192.0.2.1"))) is False
    missing = {"fib": {"result": "oif", "flags": ["saddr", "iif"]}}
    assert holds(missing, False, at=place(hook="prerouting")) is False


def test_what_only_the_kernel_knows() -> None:
    for left in ({"socket": {"key": "mark"}}, {"jhash": {"mod": 2}}, {"rt": {"key": "classid"}}, {"new thing": 1}):
        assert holds(left, 1) is None
