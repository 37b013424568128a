"""From where a listener can be reached: one healthy host, and one thing changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.reach import Surroundings
from loopdiag.explain.reach import reach as kind
from loopdiag.model.interface import Interface, InterfaceAddress
from loopdiag.model.route import Route
from loopdiag.model.socket import Socket
from tests.unit.explain.healthy import ETH, LO, LOCAL_TABLE, OWN, OWN_SIX

WLAN = Interface(name="wlan0", index=3, up=True, running=False, loopback=False, mtu=1500, qdisc=None,
                 addresses=(InterfaceAddress("192.168.7.2", 24, "global"),))  # fmt: skip
DOWN = replace(ETH, up=False, running=False)


def socket(address: str, families: tuple[str, ...] | None = None, device: str | None = None) -> Socket:
    own = families or (("ipv6",) if ":" in address else ("ipv4",))
    return Socket(protocol="tcp", state="LISTEN", address=address, port=80, families=own, device=device)


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
         "nobody: what comes to 127.0.0.1 does not come through eth0"),
        (socket("224.0.0.251"), (LO, ETH), "network", "whoever sends to 224.0.0.251 through eth0"),
        (socket("10.0.0.255"), (LO, ETH), "network", "whoever sends to 10.0.0.255 through eth0"),
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
    assert kind(socket("0.0.0.0"), many) == "network"
