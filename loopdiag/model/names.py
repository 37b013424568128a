"""How this host turns names into addresses."""

from __future__ import annotations

from dataclasses import field
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from loopdiag.model.unknown import Unknown
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopdiag.model.finding import Finding


@dataclass(frozen=True, slots=True)
class Source:
    """Where an answer came from. `service` is numeric, files, dns, myhostname, mdns4, ... as nsswitch.conf names it."""

    service: str
    file: str | None = None
    line: int | None = None
    server: str | None = None  # the name server, where it was dns; `A or B` where it may have been either


@dataclass(frozen=True, slots=True)
class Answer:
    """One address of getaddrinfo(3), in its order. `source` is None where no source owned up to it."""

    address: str
    family: str  # ipv4, ipv6
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsLine:
    """One line of the hosts file that bears on the name. `fault` says why the C library skips it, where it does.

    `meant` is the address that a faulty line was meant to give, where that can be read; `commented` is True where
    it was taken out on purpose.
    """

    file: str
    line: int
    address: str
    names: tuple[str, ...]
    text: str
    fault: str | None = None
    meant: str | None = None
    commented: bool = False


@dataclass(frozen=True, slots=True)
class NameServer:
    """A name server on this host that gave no answer, and what `why` says of it: verdict, summary, findings."""

    address: str
    verdict: str
    says: str
    findings: tuple[Finding, ...] = field(default=(), metadata={"json": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class NameFacts:
    """The resolver's files, as far as they bear on `name`, and the questions asked of getaddrinfo(3)."""

    name: str
    hosts: tuple[HostsLine, ...] | Unknown
    services: tuple[str, ...] | Unknown  # the `hosts:` line of nsswitch.conf in order, actions in brackets included
    services_line: int | None  # its line number; None where the C library's default counts
    servers: tuple[str, ...] | Unknown  # of resolv.conf
    search: tuple[str, ...] = ()
    errno: str | None = None  # EAI_NONAME, EAI_AGAIN, ... where getaddrinfo gave nothing
    by_family: Mapping[str, tuple[str, ...] | str] = field(
        default_factory=dict
    )  # ipv4/ipv6 -> addresses, or the EAI_ error
    configured_only: tuple[str, ...] | str | None = None  # with AI_ADDRCONFIG: addresses, or the EAI_ error
    by_service: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what each service alone gives
    host_name: str | None = None  # this host's own name
    gai_conf: tuple[str, ...] = ()  # lines of gai.conf that count
    servers_named: bool = True  # False where resolv.conf names none, so that the one on 127.0.0.1 is asked
    configured_by_family: Mapping[str, tuple[str, ...] | str] = field(
        default_factory=dict
    )  # by_family, with AI_ADDRCONFIG
    host_name_lines: tuple[HostsLine, ...] = ()  # of the hosts file, for this host's own name
    family: str | None = None  # ipv4 or ipv6, where that alone was asked for
    datagrams: int | None = None  # UDP datagrams that left this network namespace while getaddrinfo ran
    seconds: float | None = None  # until getaddrinfo answered, or was no longer waited for
    own_servers: tuple[NameServer, ...] = ()  # those that gave no answer, as far as they are on this host
    services_spoilt: int | None = None  # the line of nsswitch.conf for which the C library asks no service at all

    def lines(self) -> tuple[HostsLine, ...]:
        """The lines of the hosts file that count for the name; none where the file could not be read."""
        return () if isinstance(self.hosts, Unknown) else tuple(line for line in self.hosts if line.fault is None)

    def giving(self, address: str) -> HostsLine | None:
        """The line of the hosts file that gives the address: as it stands, or as glibc turns it for AF_INET.

        A `::1` line answers a question for IPv4 with 127.0.0.1, and one with `::ffff:10.0.0.1` gives 10.0.0.1.
        """
        wanted = ip_address(address.partition("%")[0])
        same = (line for line in self.lines() if ip_address(line.address) == wanted)
        turned = (line for line in self.lines() if as_ipv4(line.address) == address)
        return next(same, None) or next(turned, None)


def as_ipv4(text: str) -> str | None:
    """What glibc makes of an IPv6 address of the hosts file where IPv4 is asked for (nss/nss_files/files-hosts.c)."""
    address = ip_address(text)
    if not isinstance(address, IPv6Address):
        return text
    if address.is_loopback:
        return "127.0.0.1"
    return str(address.ipv4_mapped) if address.ipv4_mapped else None
