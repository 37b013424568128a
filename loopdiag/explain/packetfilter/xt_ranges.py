"""The ranges that iptables writes: ports, numbers, networks."""

from __future__ import annotations

from ipaddress import ip_network

from loopdiag.explain.packetfilter.values import Span


def port_range(text: str) -> Span:
    """`80`, `80:90`, `:90`, `80:`. Raises ValueError."""
    low, colon, high = text.partition(":")
    if not colon:
        return Span(int(low), int(low))
    return Span(int(low or 0), int(high or 65535))


def number_range(text: str) -> Span:
    """`5`, `5:9`, `5-9`, `:9`, `5:`. Raises ValueError."""
    low, between, high = text.replace("-", ":").partition(":")
    if not between:
        return Span(int(low, 0), int(low, 0))
    return Span(int(low or "0", 0), int(high, 0) if high else (1 << 32) - 1)


def network(text: str) -> Span | None:
    """`10.0.0.0/8`, `10.0.0.0/255.0.0.0`, an address; None where the mask has holes."""
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        return None
    return Span(int(found.network_address), int(found.broadcast_address))
