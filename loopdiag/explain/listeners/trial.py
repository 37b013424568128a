"""What `listeners --verify` tries, and which outcomes go against the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.reach import NONE, WILDCARDS
from loopdiag.model.address import Address
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loopdiag.explain.reach import Surroundings
    from loopdiag.model.interface import Interface
    from loopdiag.model.observation import TcpConnect
    from loopdiag.model.socket import Socket

_LOOPBACK = {"ipv4": "127.0.0.1", "ipv6": "::1"}


@dataclass(frozen=True, slots=True)
class Trial:
    """A connect() to `address` (with its zone) and `port`, and whether some listener there should take it."""

    address: str
    port: int
    served: bool


def trials(listeners: Iterable[Socket], interfaces: Sequence[Interface], around: Surroundings) -> list[Trial]:
    """For each TCP listener: the address that it has, or every own one for a wildcard; loopback alone where it is not
    reached by others, with an own address beside it that must not be answered. Each end once.

    Those that this host itself does not reach are left out: only others could try them.
    """
    wanted: dict[tuple[str, int], bool] = {}
    tcp = [one for one in listeners if one.protocol == "tcp" and one.reach != NONE and around.reach(one).itself]
    for one in tcp:
        for address in _served(one, interfaces):
            wanted[address, one.port] = True
    for one in tcp:
        for address in _own(interfaces, one.families):
            wanted.setdefault((address, one.port), False)
    return [Trial(address, port, served) for (address, port), served in wanted.items()]


def _served(one: Socket, interfaces: Sequence[Interface]) -> list[str]:
    if one.address not in WILDCARDS:
        held = [each.name for each in interfaces if any(a.address == one.address for a in each.addresses)]
        zone = f"%{held[0]}" if held and Address(one.address).ip.is_link_local and ":" in one.address else ""
        return [one.address + zone]
    families = ("ipv6",) if one.address == "::" and one.incomplete else one.families
    if one.device:
        return _own(interfaces, families, one.device)
    lo = [address for family, address in _LOOPBACK.items() if family in families
          and any(held.address == address for each in interfaces if each.loopback and each.up
                  for held in each.addresses)]  # fmt: skip
    return lo + _own(interfaces, families)


def _own(interfaces: Sequence[Interface], families: Sequence[str], device: str | None = None) -> list[str]:
    """Addresses that can be connected to without a zone, one of each interface and IP version at least."""
    lo_up = any(one.loopback and one.up for one in interfaces)
    return [
        held.address
        for one in interfaces
        if one.up and lo_up and (one.name == device if device else not one.loopback)
        for held in one.addresses
        if ("ipv6" if ":" in held.address else "ipv4") in families
        and not Address(held.address).ip.is_link_local
        and not {"tentative", "dadfailed"} & set(held.flags)
    ]


def disagreeing(tried: Sequence[Trial], seen: Sequence[TcpConnect]) -> list[Trial]:
    """Those that a listener should have taken, and did not."""
    return [one for one, outcome in zip(tried, seen, strict=False) if one.served and not outcome.outcome.good]
