"""The connections that bind-test makes: to every local address, and to nothing that would leave the host."""

from __future__ import annotations

from loopdiag.diagnose.ways import ways_to
from loopdiag.model.address import Address
from loopdiag.model.bind import Way
from loopdiag.model.facts import Facts
from loopdiag.model.interface import Interface, InterfaceAddress
from loopdiag.model.route import Route


def interface(name: str, *addresses: InterfaceAddress, up: bool = True, **named: str) -> Interface:
    return Interface(name, 2, up, up, name == "lo", 1500, None, addresses, **named)  # type: ignore[arg-type]


LO = interface("lo", InterfaceAddress("127.0.0.1", 8, "host"), InterfaceAddress("::1", 128, "host"))
ETH = interface("eth0", InterfaceAddress("10.0.0.5", 24, "global"), InterfaceAddress("fe80::5", 64, "link"))
TABLE = (Route(destination="127.0.0.0/8", table="local", type="local"),)
HOST = Facts(interfaces=(LO, ETH), local_table=TABLE)


def destinations(facts: Facts, bound: str = "::", localhost: tuple[str, ...] = ()) -> list[str]:
    return [way.destination for way in ways_to(Address(bound), facts, localhost)]


def test_a_wildcard_is_reached_by_every_address() -> None:
    assert destinations(HOST) == ["::1", "127.0.0.1", "127.0.0.2", "10.0.0.5", "fe80::5%eth0", "::", "0.0.0.0"]
    assert destinations(HOST, "0.0.0.0") == ["127.0.0.1", "127.0.0.2", "10.0.0.5", "0.0.0.0"]


def test_one_address_is_reached_from_every_other() -> None:
    assert ways_to(Address("10.0.0.5"), HOST, ()) == (
        Way("10.0.0.5"), Way("10.0.0.5", "127.0.0.1"), Way("10.0.0.5", "127.0.0.2"),
    )  # fmt: skip


def test_nothing_is_sent_to_what_is_not_this_host() -> None:
    assert ways_to(Address("192.0.2.9"), HOST, ()) == ()
    assert "192.0.2.9" not in destinations(HOST, localhost=("192.0.2.9", "127.0.0.1"))


def test_a_second_loopback_address_only_where_the_kernel_has_it() -> None:
    assert "127.0.0.2" not in destinations(Facts(interfaces=(LO,), local_table=()))


def test_addresses_that_cannot_be_used_are_left_out() -> None:
    tentative = interface("eth1", InterfaceAddress("2001:db8::1", 64, "global", ("tentative",)))
    down = interface("eth2", InterfaceAddress("10.0.2.1", 24, "global"), InterfaceAddress("2001:db8::2", 64, "global"),
                     up=False)  # fmt: skip
    found = destinations(Facts(interfaces=(LO, tentative, down), local_table=TABLE))
    assert "2001:db8::1" not in found
    assert "2001:db8::2" not in found
    assert "10.0.2.1" in found, "an IPv4 address answers where its interface is down"


def test_addresses_within_a_vrf_are_left_out() -> None:
    vrf = interface("blue", vrf_table="10")
    member = interface("eth3", InterfaceAddress("10.0.3.1", 24, "global"), master="blue")
    assert "10.0.3.1" not in destinations(Facts(interfaces=(LO, vrf, member), local_table=TABLE))
