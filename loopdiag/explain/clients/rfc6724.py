"""The order of destinations of RFC 6724, section 6, as Go's and musl's resolvers follow it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TABLE = tuple(  # section 2.1: prefix, precedence, label; the longest prefix first
    (IPv6Network(prefix), precedence, label)
    for prefix, precedence, label in (
        ("::1/128", 50, 0), ("::ffff:0:0/96", 35, 4), ("::/96", 1, 3), ("2001::/32", 5, 5), ("2002::/16", 30, 2),
        ("3ffe::/16", 1, 12), ("fec0::/10", 1, 11), ("fc00::/7", 3, 13), ("::/0", 40, 1),
    )
)  # fmt: skip
_DEPRECATED = {IPv6Network(prefix) for prefix in ("::/96", "3ffe::/16", "fec0::/10")}  # musl has no entry for them
_LINK_LOCAL, _SITE_LOCAL, _GLOBAL = 2, 5, 14  # RFC 4291, section 2.7


def by_rfc6724(found: Sequence[str], sources: Mapping[str, str], whose: str) -> tuple[str, ...]:
    """The addresses, best first. `sources`: from which address each can be sent to; one that cannot is missing.

    `whose` is `go` (net/addrselect.go) or `musl` (network/lookup_name.c): they differ in what they take for the scope
    of an IPv4 address, and in comparing IPv4 prefixes (rule 9), which Go does not do. musl leaves a list of IPv4
    addresses alone as it is.
    """
    if whose == "musl" and all(":" not in one for one in found):
        return tuple(found)
    return tuple(sorted(found, key=lambda one: _rank(one, sources.get(one), whose), reverse=True))


def _rank(text: str, source: str | None, whose: str) -> tuple[int, ...]:
    """Rules 1, 2, 5, 6, 8 and 9; 3, 4 and 7 need what neither looks at."""
    address = _address(text)
    precedence, label = _policy(address, whose)
    scope = _scope(address, whose)
    if source is None:
        return 0, 0, 0, precedence, -scope, 0
    own = _address(source)
    same_scope, same_label = _scope(own, whose) == scope, _policy(own, whose)[1] == label
    return 1, int(same_scope), int(same_label), precedence, -scope, _prefix(address, own, whose)


def _address(text: str) -> IPv4Address | IPv6Address:
    return ip_address(text.partition("%")[0])


def _mapped(address: IPv4Address | IPv6Address) -> IPv6Address:
    return address if isinstance(address, IPv6Address) else IPv6Address(f"::ffff:{address}")


def _policy(address: IPv4Address | IPv6Address, whose: str) -> tuple[int, int]:
    return next(
        (precedence, label)
        for network, precedence, label in _TABLE
        if _mapped(address) in network and not (whose == "musl" and network in _DEPRECATED)
    )


def _scope(address: IPv4Address | IPv6Address, whose: str) -> int:
    if isinstance(address, IPv4Address):
        near = address.is_loopback or address.is_link_local
        return _LINK_LOCAL if near and whose == "go" else _GLOBAL
    if address.is_multicast:
        return address.packed[1] & 0xF
    if address.is_loopback or address.is_link_local:
        return _LINK_LOCAL
    return _SITE_LOCAL if address.is_site_local else _GLOBAL


def _prefix(address: IPv4Address | IPv6Address, own: IPv4Address | IPv6Address, whose: str) -> int:
    """How many leading bits the two have in common: of 64 in Go, which leaves IPv4 alone, of 128 in musl."""
    if whose == "go" and isinstance(address, IPv4Address):
        return 0
    common = 128 - (int(_mapped(address)) ^ int(_mapped(own))).bit_length()
    return min(common, 64) if whose == "go" else common
