"""From where a listener can be reached: one healthy host, and one thing changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.reach import Surroundings
from loopdiag.model.interface import Interface, InterfaceAddress
from loopdiag.model.route import Route
from loopdiag.model.socket import Socket
from tests.unit.explain.healthy import ETH, LO, LOCAL_TABLE, OWN, OWN_SIX

WLAN = Interface(name="wlan0", index=3, up=True, running=False, loopback=False, mtu=1500, qdisc=None,
                 addresses=(InterfaceAddress("192.168.7.2", 24, "global"),))  # fmt: skip
DOWN = replace(ETH, up=False, running=False)
BARE = replace(ETH, addresses=())
LO_DOWN, LO_FOUR = replace(LO, up=False), replace(LO, addresses=LO.addresses[:1])
BRIDGE = Interface(name="br0", index=5, up=True, running=True, loopback=False, mtu=1500, qdisc=None, kind="bridge",
                   addresses=(InterfaceAddress("10.3.0.1", 24, "global"),))  # fmt: skip
PORT = replace(ETH, master="br0")
NO_GROUP = "TCP takes no connection at a multicast or broadcast address"


def socket(address: str, families: tuple[str, ...] | None = None, device: str | None = None) -> Socket:
    own = families or (("ipv6",) if ":" in address else ("ipv4",))
    return Socket(protocol="tcp", state="LISTEN", address=address, port=80, families=own, device=device)


def udp(address: str, device: str | None = None) -> Socket:
    return replace(socket(address, device=device), protocol="udp", state="UNCONN")


@pytest.mark.parametrize(
    ("one", "interfaces", "kind", "says"),
    [
        (socket("0.0.0.0"), (LO,), "host", "this host only"),
        (socket("0.0.0.0"), (LO, ETH), "network", "this host and the network through eth0"),
        (socket("0.0.0.0"), (LO, DOWN), "host", "this host only"),
        (socket("::", ("ipv4", "ipv6")), (LO, WLAN), "network", "this host and the network through wlan0 (no carrier)"),
        (socket("::", ("ipv6",)), (LO, WLAN), "host", "this host only"),
        (socket("127.0.0.1"), (LO, ETH), "host", "this host only"),
        (socket("127.0.0.2"), (LO, ETH), "host", "only 127.0.0.2, from this host"),
        (socket("127.0.0.2"), (replace(LO, up=False), ETH), "none", "nobody: lo is down"),
        (socket("::1"), (replace(LO, addresses=LO.addresses[:1]),), "none", "nobody: the address is gone"),
        (socket(OWN), (LO, ETH), "network", "this host and the network through eth0"),
        (socket(OWN), (LO, DOWN), "host", f"this host only, by {OWN}: eth0 is down"),
        (socket(OWN_SIX), (LO,), "none", "nobody: the address is gone"),
        (socket("0.0.0.0", device="eth0"), (LO, ETH, WLAN), "network", "this host and the network through eth0"),
        (socket("0.0.0.0", device="lo"), (LO, ETH), "host", "this host only, through lo"),
        (socket("0.0.0.0", device="tun0"), (LO, ETH), "none", "nobody: its device tun0 is gone"),
        (socket("127.0.0.1", device="eth0"), (LO, ETH), "none",
         "nobody: what this host sends to 127.0.0.1 counts as come through lo"),
        (udp("224.0.0.251"), (LO, ETH), "network", "whoever sends to 224.0.0.251 through eth0"),
        (udp("10.0.0.255"), (LO, ETH), "network", "whoever sends to 10.0.0.255 through eth0"),
        (udp("10.0.0.255"), (LO, DOWN), "none", "nobody: eth0 is down"),
        (udp("127.255.255.255"), (LO, ETH), "host", "this host only, by packets to 127.255.255.255"),
        (socket("224.0.0.251"), (LO, ETH), "none", f"nobody: {NO_GROUP}"),
        (socket("10.0.0.255"), (LO, ETH), "none", f"nobody: {NO_GROUP}"),
        (socket("127.255.255.255"), (LO, ETH), "none", f"nobody: {NO_GROUP}"),
        (socket("0.0.0.0", device="interface 4, which is gone"), (LO,), "none",
         "nobody: its device interface 4 is gone"),
        (socket("0.0.0.0"), (LO_DOWN, ETH), "network", "the network through eth0, not this host itself: lo is down"),
        (socket(OWN), (LO_DOWN, ETH), "network", "the network through eth0, not this host itself: lo is down"),
        (socket("0.0.0.0"), (LO_DOWN, DOWN), "none", "nobody: lo is down"),
        (socket("::", ("ipv6",)), (LO_FOUR, WLAN), "none", "nobody: no interface has an IPv6 address"),
        (socket("::", ("ipv4", "ipv6")), (LO_FOUR,), "host", "this host only"),
        (socket("0.0.0.0", device="eth0"), (LO, DOWN), "none", "nobody: eth0 is down"),
        (socket(OWN, device="eth0"), (LO, DOWN), "none", "nobody: eth0 is down"),
        (udp("0.0.0.0", device="eth0"), (LO, DOWN), "host", "this host only, which gets no answer: eth0 is down"),
        (socket("0.0.0.0", device="eth0"), (LO, BARE), "none", "nobody: eth0 has no IPv4 address"),
        (udp("0.0.0.0", device="eth0"), (LO, BARE), "network",
         "whoever sends to all through eth0: eth0 has no IPv4 address"),
        (socket("0.0.0.0", device="eth0"), (LO, BARE, WLAN), "network",
         "whoever is routed here through eth0, not this host itself: eth0 has no IPv4 address"),
        (socket(OWN, device="lo"), (LO, ETH), "none",
         f"nobody that is not bound to lo too: what this host sends to {OWN} counts as come through eth0"),
        (socket("127.0.0.1"), (LO, replace(ETH, route_localnet=True)), "host",
         "this host only, and who sends to it through eth0 (route_localnet is set)"),
        (socket("::1"), (LO, replace(ETH, route_localnet=True)), "host", "this host only"),
    ],
)  # fmt: skip
def test_reach(one: Socket, interfaces: tuple[Interface, ...], kind: str, says: str) -> None:
    found = Surroundings(interfaces).reach(one)
    assert (found.kind, found.says) == (kind, says)


def test_an_address_of_a_local_route_is_not_gone() -> None:
    routed = (*LOCAL_TABLE, Route(destination="192.0.2.0/24", table="local", type="local", device="lo"))
    assert Surroundings((LO, ETH), routed).reach(socket("192.0.2.9")).kind == "host"
    assert Surroundings((LO, ETH), LOCAL_TABLE).reach(socket("192.0.2.9")).kind == "none"


def test_members_of_a_vrf_count_as_its_device() -> None:
    member = replace(ETH, master="blue")
    vrf = Interface(name="blue", index=9, up=True, running=True, loopback=False, mtu=1500, qdisc=None, addresses=())
    assert Surroundings((LO, member, vrf)).reach(socket("0.0.0.0", device="blue")).through == ("eth0",)


def test_many_interfaces_are_not_all_named() -> None:
    many = tuple(replace(ETH, name=f"br{number}") for number in range(9))
    assert Surroundings(many).reach(socket("0.0.0.0")).says.endswith("br0, br1, br2, br3 and 5 more")


def test_an_address_whose_local_route_is_gone_is_not_reached() -> None:
    def without(*destinations: str) -> Surroundings:
        return Surroundings((LO, ETH), [one for one in LOCAL_TABLE if one.destination not in destinations])

    assert without(f"{OWN}/32").reach(socket(OWN)).says == "nobody: the local route of its address is gone"
    assert without("127.0.0.0/8", "127.0.0.1/32").reach(socket("127.0.0.1")).kind == "none"
    assert without("127.0.0.0/8").reach(socket("127.0.0.1")).kind == "host"
    assert without().reach(socket(OWN)).kind == "network"


def test_what_comes_through_a_port_counts_as_come_through_its_bridge() -> None:
    around = Surroundings((LO, PORT, BRIDGE))
    assert around.reach(socket("0.0.0.0")).through == ("br0",)
    assert around.reach(socket("0.0.0.0", device="br0")).through == ("br0",)
    assert around.reach(socket("0.0.0.0", device="eth0")).kind == "host"
    assert around.reach(socket(OWN, device="eth0")).kind == "host"
    assert around.reach(socket("10.3.0.1", device="eth0")).kind == "none"
    by_bridge = around.reach(socket(OWN, device="br0"))
    assert (by_bridge.kind, by_bridge.through, by_bridge.itself) == ("network", ("br0",), False)


def test_link_local_addresses_belong_to_their_interface() -> None:
    held = replace(WLAN, addresses=(InterfaceAddress("fe80::1", 64, "link"),))
    around = Surroundings((LO, ETH, held))
    assert around.reach(socket("fe80::1", device="wlan0")).kind == "network"
    assert around.reach(socket("fe80::1", device="eth0")).says == "nobody: the address is gone from eth0"


def test_an_address_that_another_host_has_is_not_used() -> None:
    failed = replace(ETH, addresses=(InterfaceAddress(OWN_SIX, 64, "global", ("tentative", "dadfailed")),))
    found = Surroundings((LO, failed)).reach(socket(OWN_SIX))
    assert found.says == "nobody: duplicate address detection has not finished, or has failed"


def test_reach_of_one_protocol_is_not_taken_for_that_of_the_other() -> None:
    around = Surroundings((LO, ETH))
    assert [around.reach(one).kind for one in (socket("10.0.0.255"), udp("10.0.0.255"))] == ["none", "network"]
