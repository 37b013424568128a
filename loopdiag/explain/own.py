"""What this host has: its loopback interface, its addresses, its local routes, its settings."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING, NamedTuple

from loopdiag.explain.evidence import known
from loopdiag.model.finding import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.interface import Interface, InterfaceAddress
    from loopdiag.model.route import PolicyRule, Route
    from loopdiag.model.socket import Socket

HOST_WIDE = ("interfaces", "doctor")  # commands about the host itself, without a target
IPV6_MTU, IPV4_MTU = 1280, 68  # below these the kernel takes the IP version off a device: RFC 8200 5, RFC 791


class Own(NamedTuple):
    """An address of this host with its interface."""

    interface: Interface
    address: InterfaceAddress


def interfaces(case: Case) -> tuple[Interface, ...]:
    """All interfaces; none where they were not read."""
    return known(case.facts.interfaces) or ()


def loopback(case: Case) -> Interface | None:
    """`lo`; None where the interfaces were not read."""
    return next((interface for interface in interfaces(case) if interface.loopback), None)


def own_addresses(case: Case) -> Iterator[Own]:
    """Every address of this host."""
    for interface in interfaces(case):
        for address in interface.addresses:
            yield Own(interface, address)


def own(case: Case, address: str, zone: str | None = None) -> Own | None:
    """The interface that has `address`, that of the zone where several have it."""
    found = [one for one in own_addresses(case) if one.address.address == address]
    zoned = [one for one in found if zone in (one.interface.name, str(one.interface.index))]
    return next(iter(zoned or found), None)


def is_loopback(address: str) -> bool:
    """127.0.0.0/8 or ::1."""
    return ip_address(address).is_loopback


def is_multicast(address: str) -> bool:
    """224.0.0.0/4 or ff00::/8."""
    return ip_address(address).is_multicast


def covering(case: Case, address: str) -> Own | None:
    """The address of this host that makes `address` its own: itself, or one of 127/8 whose prefix covers it."""
    exact = own(case, address)
    if exact or ":" in address or not is_loopback(address):
        return exact
    for one in own_addresses(case):
        if ":" not in one.address.address and is_loopback(one.address.address) and _within(address, one.address):
            return one
    return None


def _within(address: str, one: InterfaceAddress) -> bool:
    return ip_address(address) in ip_interface(f"{one.address}/{one.prefix}").network


def on_link(case: Case, address: str) -> Interface | None:
    """The interface that is up and whose own prefix covers `address`."""
    for one in own_addresses(case):
        same = (":" in one.address.address) == (":" in address)
        if same and one.interface.up and not one.interface.loopback and _within(address, one.address):
            return one.interface
    return None


def went_down(case: Case, address: str) -> Interface | None:
    """For an IPv6 address: an interface that was in use and is down, which takes its IPv6 addresses away."""
    if ":" not in address:
        return None
    down = [each for each in interfaces(case) if not each.up and not each.loopback]
    return next((each for each in down if each.addresses or each.received or each.sent), None)


def six_taken(case: Case, address: str) -> str | None:
    """For an IPv6 address: how an interface lost the addresses that it had, in half a sentence."""
    if fallen := went_down(case, address):
        return f"{fallen.name} is down, and IPv6 addresses go with it"
    narrow = next((each for each in interfaces(case) if each.up and not each.loopback and each.mtu < IPV6_MTU), None)
    if ":" not in address or narrow is None:
        return None
    return f"the MTU of {narrow.name} is {narrow.mtu}, and below {IPV6_MTU} the kernel takes IPv6 addresses away"


def served_here(case: Case, address: str) -> Socket | None:
    """A listener on the port for all own addresses, where no link has one: `address` was meant to be one of them."""
    family = "ipv6" if ":" in address else "ipv4"
    links = [each for each in interfaces(case) if each.up and not each.loopback]
    held = [one.address for each in links for one in each.addresses if one.scope != "link"]
    if not links or any((":" in one) == (":" in address) for one in held):
        return None
    wildcards = (one for one in known(case.facts.listeners) or () if ip_address(one.address).is_unspecified)
    return next((one for one in wildcards if family in one.families), None)


def local_route(case: Case, address: str) -> Route | None:
    """What table `local` itself says of `address`: its closest route, whatever its type. None where there is none."""
    wanted = ip_address(address)
    table = known(case.facts.local_table) or ()
    fits = [route for route in table if route.table == "local" and wanted in ip_network(route.destination)]
    return max(fits, key=lambda route: (ip_network(route.destination).prefixlen, -(route.metric or 0)), default=None)


def local_rule(case: Case, address: str) -> PolicyRule | None:
    """The first policy rule that leads every packet of this IP version to table `local`."""
    family = "ipv6" if ":" in address else "ipv4"
    for rule in known(case.facts.rules) or ():
        if rule.family == family and rule.table == "local" and rule.source is None and rule.destination is None:
            return rule
    return None


def setting(case: Case, name: str) -> str | None:
    """A kernel setting; None where it was not read or this kernel does not have it."""
    return known((case.facts.sysctls or {}).get(name))


def device_setting(case: Case, family: str, device: str, name: str) -> str | None:
    """`net.ipv4.conf.DEVICE.NAME`."""
    return setting(case, f"net.{family}.conf.{device.replace('.', '/')}.{name}")


def number_setting(case: Case, family: str, device: str, name: str) -> int | None:
    """The setting of a device as the kernel counts it where `all` and the device's own add up to the greater."""
    values = [device_setting(case, family, one, name) for one in ("all", device)]
    numbers = [int(value) for value in values if value is not None and value.lstrip("-").isdecimal()]
    return max(numbers, default=None)


def state(interface: Interface) -> Evidence:
    """An interface as evidence: its state and its addresses."""
    has = ", ".join(f"{one.address}/{one.prefix}" for one in interface.addresses[:4]) or "none"
    return Evidence(
        f"interface {interface.name}",
        f"{'up' if interface.up else 'down'}, MTU {interface.mtu}, addresses: {has}",
    )
