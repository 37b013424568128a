"""Which addresses a client tries for a name, in its own order."""

from __future__ import annotations

from dataclasses import field
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import TYPE_CHECKING

from loopdiag.explain.clients.rfc6724 import by_rfc6724
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopdiag.explain.clients.policy import Policy

TIMED_OUT = "timed-out"  # in place of an EAI_ error, where nobody waited for longer
_IPV4 = 4
PLAIN = frozenset({"files", "dns"})  # the services of nsswitch.conf that clients with a resolver of their own know


@dataclass(frozen=True, slots=True)
class Lookup:
    """One way to ask getaddrinfo(3): the family (4, 6, or None for both) and whether with AI_ADDRCONFIG."""

    family: int | None = None
    configured_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAnswers:
    """What this host gives for a name, by each way of asking. A str is the EAI_ error, or `timed-out`."""

    host: str
    numeric: bool = False  # `host` is an address: nothing is looked up
    lookups: Mapping[Lookup, tuple[str, ...] | str] = field(default_factory=dict)
    hosts_file: tuple[str, ...] | None = None  # its addresses of the name, in its order; None where it was not read
    spelled_so: bool = True  # the hosts file has the name in the very letters that were asked for
    services: tuple[str, ...] = ("files", "dns")  # of nsswitch.conf, in its order
    sources: Mapping[str, str] = field(default_factory=dict)  # of the addresses that can be sent to: from which address
    online: bool = True  # some interface that is not loopback is up and has an address
    ipv6_address: bool = True  # some interface has an IPv6 address
    ipv6_loopback: bool = True  # ::1 is on an interface
    ipv6_route: bool = True  # there is a way to the IPv6 Internet


def lookups_of(policy: Policy, names: NameAnswers) -> tuple[Lookup, ...]:
    """How this client asks getaddrinfo on this host: in one question, or in one for each IP version."""
    missing = (policy.ipv4_only_without == "ipv6-address" and not names.ipv6_address) or (
        policy.ipv4_only_without == "ipv6-loopback" and not names.ipv6_loopback
    )
    families = (6, 4) if policy.resolver == "getaddrinfo-each" else (4 if missing else None,)
    return tuple(Lookup(family, policy.configured_only) for family in families)


def addresses_of(policy: Policy, names: NameAnswers) -> tuple[str, ...] | str | None:
    """Its attempts in order, or the resolver's error; None where it asks what nobody asked here."""
    if names.numeric:
        unwanted = ":" in names.host and lookups_of(policy, names)[0].family == _IPV4
        return "EAI_ADDRFAMILY" if unwanted else (names.host,)
    if any(fnmatchcase(names.host.lower(), name) for name in policy.hardwired):
        return policy.hardwired_to
    found = _found(policy, names)
    if isinstance(found, str) and policy.localhost_otherwise and names.host.lower() == "localhost":
        return (policy.localhost_otherwise,)
    if found is None or isinstance(found, str):
        return found
    ordered = _ordered(policy, tuple(dict.fromkeys(found)), names)
    return ordered[:1] if policy.connects == "one" else ordered


def groups_of(addresses: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The addresses of the first one's IP version, and those of the other."""
    first = ":" in addresses[0] if addresses else False
    same = tuple(one for one in addresses if (":" in one) == first)
    return same, tuple(one for one in addresses if one not in same)


def _found(policy: Policy, names: NameAnswers) -> tuple[str, ...] | str | None:
    plain = set(names.services) <= PLAIN
    if policy.resolver != "hosts-and-dns" or (policy.nsswitch == "or-getaddrinfo" and not plain):
        return _asked(policy, names)
    services = names.services if policy.nsswitch == "minded" else ("files", "dns")
    lines = names.hosts_file if names.spelled_so or not policy.exact_case else ()
    if lines and "files" in services and "dns" not in services[: services.index("files")]:
        return _one_of_each(lines) if policy.one_of_each else lines
    # Where the file does not decide, its question to DNS is the one that getaddrinfo asked, if that asks nothing else.
    same = (
        plain and ("dns" in names.services) == ("dns" in services) and lines is not None and lines == names.hosts_file
    )
    return _asked(policy, names) if same else None


def _one_of_each(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The first address of each IP version."""
    return tuple({":" in one: one for one in reversed(lines)}.values())


def _asked(policy: Policy, names: NameAnswers) -> tuple[str, ...] | str | None:
    """What getaddrinfo says; where the IP versions are asked for on their own, one without an answer is no error."""
    answers = [names.lookups.get(one) for one in lookups_of(policy, names)]
    found = tuple(one for answer in answers if isinstance(answer, tuple) for one in answer)
    return found or answers[-1]


def _ordered(policy: Policy, found: tuple[str, ...], names: NameAnswers) -> tuple[str, ...]:
    if policy.ipv4_only_without == "ipv6-route" and not names.ipv6_route:
        found = _without_ipv6(found)
    if policy.order == "ipv4-first":
        found = tuple(sorted(found, key=lambda one: ":" in one))
    elif policy.order == "ipv6-first":
        found = tuple(sorted(found, key=lambda one: ":" not in one))
    elif policy.order in ("go", "musl"):
        found = by_rfc6724(found, names.sources, policy.order)
    if policy.connects != "alternating":
        return found
    pairs = zip_longest(*groups_of(found))
    return tuple(one for pair in pairs for one in pair if one)


def _without_ipv6(found: tuple[str, ...]) -> tuple[str, ...]:
    """The IPv4 addresses, where there are any but loopback's."""
    ipv4 = tuple(one for one in found if ":" not in one)
    return ipv4 if any(not one.startswith("127.") for one in ipv4) else found
