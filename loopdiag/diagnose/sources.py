"""Which source gave an address: by the hosts file, by elimination, or by what each service alone was asked."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from loopdiag.model.names import Source
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from loopdiag.model.names import HostsLine, NameFacts

NUMERIC = Source("numeric")
_SPECIAL_NAMES = ("localhost", "localhost.localdomain", "_gateway", "_outbound")  # nss-myhostname(8)


def source_of(address: str, names: NameFacts) -> Source | None:
    """The source of one address of a name; None where it cannot be told which of several gave it."""
    told = names.by_service
    line = giving_line(address, names)
    doubtful: list[str] = []
    for service in asked(names):
        if service == "files":
            if line:
                return None if doubtful else Source("files", line.file, line.line)
        elif address in told.get(service, ()):
            return _source(service, names)
        elif service not in told:
            doubtful.append(service)
    return _source(doubtful[0], names) if len(doubtful) == 1 else None


def asked(names: NameFacts) -> list[str]:
    """The services that may answer for this name, in order, without their actions."""
    services = ("files", "dns") if isinstance(names.services, Unknown) else names.services
    return [one for one in services if not one.startswith("[") and _may_answer(one, names)]


def _may_answer(service: str, names: NameFacts) -> bool:
    """mdns and myhostname answer for some names only; any other service may for each."""
    name = names.name.lower().rstrip(".")
    if service.startswith("mdns"):
        return name.endswith(".local")
    if service == "myhostname":
        own = (names.host_name or "").lower()
        return name in (*_SPECIAL_NAMES, own) or name.endswith((".localhost", ".localhost.localdomain"))
    return True


def giving_line(address: str, names: NameFacts) -> HostsLine | None:
    """The line of the hosts file that gives the address: as it stands, or as glibc turns it for AF_INET.

    A `::1` line answers a question for IPv4 with 127.0.0.1, and one with `::ffff:10.0.0.1` gives 10.0.0.1.
    """
    lines = [] if isinstance(names.hosts, Unknown) else [line for line in names.hosts if line.fault is None]
    wanted = ip_address(address.partition("%")[0])
    same = (line for line in lines if ip_address(line.address) == wanted)
    turned = (line for line in lines if _as_ipv4(line.address) == address)
    return next(same, None) or next(turned, None)


def families_at_hand(names: NameFacts) -> tuple[int, ...]:
    """The families (4, 6) for which the hosts file alone answers: no query leaves for them."""
    lines = [] if isinstance(names.hosts, Unknown) else [line for line in names.hosts if line.fault is None]
    four = any(":" not in line.address or _as_ipv4(line.address) for line in lines)
    six = any(":" in line.address for line in lines)
    return tuple(family for family, given in ((4, four), (6, six)) if given)


def _as_ipv4(text: str) -> str | None:
    address = ip_address(text)
    if not isinstance(address, IPv6Address):
        return None
    if address.is_loopback:
        return "127.0.0.1"
    return str(address.ipv4_mapped) if address.ipv4_mapped else None


def _source(service: str, names: NameFacts) -> Source:
    servers = () if isinstance(names.servers, Unknown) else names.servers
    return Source(service, server=servers[0] if service == "dns" and servers else None)
