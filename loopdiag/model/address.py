"""Addresses as text: the spellings that the C library reads, and how an endpoint is written."""

from __future__ import annotations

import re
import socket
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from loopdiag.model.errors import UsageError
from loopdiag.model.value import dataclass

Family = int
_LOOKS_NUMERIC = re.compile(r"(0[xX][0-9a-fA-F]*|\d+)(\.(0[xX][0-9a-fA-F]*|\d+))*\.?")
_LABEL = re.compile(r"[^\s/:%\[\]@?#\\]{1,63}")


@dataclass(frozen=True, slots=True)
class Address:
    """One IP address: canonical text without zone, its zone (interface name or index) if it has one."""

    text: str
    zone: str | None = None

    @property
    def family(self) -> Family:
        """`socket.AF_INET` or `socket.AF_INET6`."""
        return socket.AF_INET6 if ":" in self.text else socket.AF_INET

    @property
    def ip(self) -> IPv4Address | IPv6Address:
        """The address as a number with its properties (is_loopback, is_link_local, ...)."""
        return IPv6Address(self.text) if ":" in self.text else IPv4Address(self.text)

    def __str__(self) -> str:
        return f"{self.text}%{self.zone}" if self.zone else self.text


def parse_address(text: str) -> Address | None:
    """Read a numeric address as the C library does (`127.1`, `0x7f000001`, `0177.0.0.1`); None when it is a name.

    Raises UsageError for what can only be a broken address.
    """
    if ":" in text:
        bare, _, zone = text.partition("%")
        try:
            canonical = _written(IPv6Address(bare))
        except AddressValueError as fault:
            raise UsageError(f"'{text}' is not an IPv6 address: {fault}") from None
        if "%" in text and not zone:
            raise UsageError(f"'{text}' ends in % without naming a zone (an interface)")
        return Address(canonical, zone or None)
    if not _LOOKS_NUMERIC.fullmatch(text):
        return None
    try:
        return Address(socket.inet_ntoa(socket.inet_aton(text)))
    except OSError:
        raise UsageError(
            f"'{text}' is not an IPv4 address (four numbers from 0 to 255, or a C library spelling)"
        ) from None


def _written(address: IPv6Address) -> str:
    """As inet_ntop(3) and the kernel's tools write it: an IPv4-mapped one ends in dotted form (RFC 5952, 5)."""
    return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else str(address)


def check_name(text: str) -> str:
    """Return `text` when it can be a host name, else raise UsageError."""
    labels = text.removesuffix(".").split(".")
    if not text or len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UsageError(f"'{text}' is neither an address nor a host name")
    return text


def endpoint(address: str, port: int | None) -> str:
    """`127.0.0.1:80`, `[::1]:80`, or the address alone where there is no port."""
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
