"""The address that is really routed, where another was typed."""

from __future__ import annotations

from ipaddress import IPv6Address

LOOPBACK_FOR = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # Linux takes an unspecified destination for loopback


def routed(address: str) -> str:
    """`address` without its zone: loopback for an unspecified one, IPv4 for an IPv4-mapped one (RFC 4291 2.5.5.2)."""
    bare = address.partition("%")[0]
    if bare.startswith("::ffff:"):
        mapped = IPv6Address(bare).ipv4_mapped
        bare = str(mapped) if mapped else bare
    return LOOPBACK_FOR.get(bare, bare)
