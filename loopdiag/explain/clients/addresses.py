"""Which addresses a client tries for a name, in its own order."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopdiag.explain.clients.policy import Policy

TIMED_OUT = "timed-out"  # in place of an EAI_ error, where nobody waited for longer


@dataclass(frozen=True, slots=True)
class Lookup:
    """One way to ask getaddrinfo(3): the family (4, or None for both) and whether with AI_ADDRCONFIG."""

    family: int | None = None
    configured_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAnswers:
    """What this host gives for a name, by each way of asking. A str is the EAI_ error, or `timed-out`."""

    host: str
    numeric: bool = False  # `host` is an address: nothing is looked up
    lookups: Mapping[Lookup, tuple[str, ...] | str] = field(default_factory=dict)
    hosts_file: tuple[str, ...] | None = None  # its addresses of the name, in its order; None where it was not read
    dns_alone: bool = True  # beside the hosts file, getaddrinfo asks DNS and nothing else
    ipv6_address: bool = True  # some interface has an IPv6 address
    ipv6_loopback: bool = True  # ::1 is on an interface


def lookup_of(policy: Policy, names: NameAnswers) -> Lookup:
    """How this client asks getaddrinfo on this host."""
    missing = (policy.ipv4_only_without == "ipv6-address" and not names.ipv6_address) or (
        policy.ipv4_only_without == "ipv6-loopback" and not names.ipv6_loopback
    )
    return Lookup(4 if missing else None, policy.configured_only)


def addresses_of(policy: Policy, names: NameAnswers) -> tuple[str, ...] | str | None:
    """Its attempts in order, or the resolver's error; None where it asks what nobody asked here."""
    if names.numeric:
        return (names.host,)
    if any(fnmatchcase(names.host.lower().rstrip("."), name) for name in policy.hardwired):
        return policy.hardwired_to
    if policy.resolver == "hosts-and-dns" and names.hosts_file:
        found: tuple[str, ...] | str | None = names.hosts_file
    elif policy.resolver == "hosts-and-dns" and not (names.dns_alone and names.hosts_file is not None):
        return None
    else:
        found = names.lookups.get(lookup_of(policy, names))
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


def _ordered(policy: Policy, found: tuple[str, ...], names: NameAnswers) -> tuple[str, ...]:
    if policy.order == "ipv4-first":
        found = tuple(sorted(found, key=lambda one: ":" in one))
    elif policy.order == "ipv6-first":
        found = tuple(sorted(found, key=lambda one: ":" not in one))
    elif policy.order == "rfc6724":
        found = _by_rfc6724(found, names)
    if policy.connects != "alternating":
        return found
    pairs = zip_longest(*groups_of(found))
    return tuple(one for pair in pairs for one in pair if one)


def _by_rfc6724(found: tuple[str, ...], names: NameAnswers) -> tuple[str, ...]:
    """In the C library's order, which follows the same rules; a ::1 that nothing can be sent to comes last."""
    known = names.lookups.get(Lookup())
    place = {one: number for number, one in enumerate(known if isinstance(known, tuple) else ())}

    def key(address: str) -> tuple[bool, int]:
        return address == "::1" and not names.ipv6_loopback, place.get(address, len(place))

    return tuple(sorted(found, key=key))
