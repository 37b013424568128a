"""By which ways this host can connect to a port that was bound: the local addresses that matter, each once."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from loopdiag.explain.binding.nowhere import is_local, stays_here
from loopdiag.explain.evidence import known
from loopdiag.model.bind import Way

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loopdiag.model.address import Address
    from loopdiag.model.facts import Facts
    from loopdiag.model.interface import Interface, InterfaceAddress
    from loopdiag.model.route import Route

SECOND_LOOPBACK = "127.0.0.2"
_UNUSABLE = {"tentative", "dadfailed"}  # IFA_F_: duplicate address detection runs, or found a duplicate


def ways_to(bound: Address, facts: Facts, localhost: Sequence[str]) -> tuple[Way, ...]:
    """The connections to make to a port bound at `bound`; none where packets to it would leave this host.

    To a wildcard: to every local address. To one address: from every local address.
    """
    interfaces, table = known(facts.interfaces) or (), known(facts.local_table)
    mine = tuple(local_addresses(interfaces, table))
    if bound.ip.is_unspecified:
        return tuple(dict.fromkeys(_to_all(bound, mine, localhost, table)))
    if not stays_here(bound.text, interfaces, table):
        return ()
    return tuple(dict.fromkeys(_from_all(bound, mine)))


def local_addresses(interfaces: Sequence[Interface], table: Sequence[Route] | None) -> Iterator[str]:
    """127.0.0.1, a second address of 127.0.0.0/8, ::1 where there is one, then each interface's own, with zones."""
    yield "127.0.0.1"
    if table and is_local(SECOND_LOOPBACK, table):
        yield SECOND_LOOPBACK
    for one in sorted(interfaces, key=lambda each: not each.loopback):
        if _in_vrf(one, interfaces):
            continue  # reached only through its VRF's own tables
        yield from (_zoned(one, held) for held in one.addresses if _usable(one, held))


def _to_all(
    bound: Address, mine: Sequence[str], localhost: Sequence[str], table: Sequence[Route] | None
) -> Iterator[Way]:
    six = ":" in bound.text
    if six:
        yield Way("::1")
    for address in mine:
        if six or ":" not in address:
            yield Way(address)
    for address in localhost:
        if ip_address(address).is_loopback and (six or ":" not in address):
            yield Way(address)
    yield from (Way(address) for address in (("::", "0.0.0.0") if six else ("0.0.0.0",)))


def _from_all(bound: Address, mine: Sequence[str]) -> Iterator[Way]:
    yield Way(str(bound))
    for address in mine:
        same_family = (":" in address) == (":" in bound.text)
        if same_family and _zone(address) == bound.zone and address != str(bound):
            yield Way(str(bound), address)


def _zone(address: str) -> str | None:
    return address.partition("%")[2] or None


def _zoned(one: Interface, held: InterfaceAddress) -> str:
    return (
        f"{held.address}%{one.name}" if ip_address(held.address).is_link_local and ":" in held.address else held.address
    )


def _usable(one: Interface, held: InterfaceAddress) -> bool:
    if ":" not in held.address:
        return True  # an IPv4 address answers even where its interface is down
    return one.up and not _UNUSABLE.intersection(held.flags)


def _in_vrf(one: Interface, interfaces: Iterable[Interface]) -> bool:
    return one.vrf_table is not None or any(
        each.name == one.master and each.vrf_table is not None for each in interfaces
    )
