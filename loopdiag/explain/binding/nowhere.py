"""`address-not-local` where binding works all the same: ip_nonlocal_bind, and packets that never come here."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known
from loopdiag.model.bind import Bind
from loopdiag.model.finding import Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.interface import Interface
    from loopdiag.model.route import Route


def stays_here(address: str, interfaces: Iterable[Interface], table: Sequence[Route] | None) -> bool:
    """Packets to `address` are this host's own: it is loopback, on an interface, or has a local route."""
    held = any(each.address == address for one in interfaces for each in one.addresses)
    return held or ip_address(address).is_loopback or (table is not None and is_local(address, table))


def is_local(address: str, table: Iterable[Route]) -> bool:
    """The most specific route of the local table says that `address` is this host's own."""
    number = ip_address(address)
    networks = [(ip_network(one.destination), one.type) for one in table]
    covering = [(network.prefixlen, kind) for network, kind in networks if number in network]
    return bool(covering) and max(covering)[1] in ("local", "anycast")


def bound_nowhere(case: Case) -> Iterator[Finding]:
    """Every bind that went well at an address that this host does not have."""
    interfaces, table = known(case.facts.interfaces), known(case.facts.local_table)
    if interfaces is None or table is None:
        return
    for bind in case.worked:
        if not isinstance(bind, Bind) or bind.wildcard:
            continue
        address = bind.address.partition("%")[0]
        if not _meant_for_many(address, table) and not stays_here(address, interfaces, table):
            yield _told(case, bind, address)


def _meant_for_many(address: str, table: Iterable[Route]) -> bool:
    """Multicast and broadcast addresses are bound to receive, and are nobody's own."""
    many = any(one.type in ("broadcast", "multicast") and one.destination.split("/")[0] == address for one in table)
    return many or ip_address(address).is_multicast or address == "255.255.255.255"


def _told(case: Case, bind: Bind, address: str) -> Finding:
    setting = f"net.{'ipv6' if ':' in address else 'ipv4'}.ip_nonlocal_bind"
    value = known((case.facts.sysctls or {}).get(setting))
    why = f", because {setting} is {value}" if value == "1" else ""
    return Finding(
        cause="address-not-local",
        subject=bind.to,
        statement=f"{bind.to} can be bound{why}, but {address} is on no interface of this host and has no local route, "
        f"so nothing that is sent to it comes here",
        evidence=(
            Evidence("interfaces", f"none has {address}"),
            Evidence("routing table local", f"no local route covers {address}"),
            *((Evidence(f"sysctl {setting}", value),) if value else ()),
        ),
        fixes=(
            Fix("give the address to an interface", f"ip addr add {address} dev lo"),
            Fix(f"bind to {'::' if ':' in address else '0.0.0.0'} or to an address that this host has"),
        ),
    )
