"""Proxy variables of the environment: what they name, and which hosts NO_PROXY keeps from it."""

from __future__ import annotations

import re
from enum import IntEnum
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network

from loopdiag.model.value import dataclass

_PORTS = {"http": 80, "https": 443, "socks": 1080, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
_VALUE = re.compile(
    r"(?:(?P<scheme>[a-z0-9+.-]+)://)?(?:[^/@]*@)?(?P<host>\[[^\]]+\]|[^:/]+)(?::(?P<port>\d{1,5}))?(?:/.*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy that a variable names. `port` is the scheme's own where none is written; curl takes 1080 then."""

    variable: str
    host: str
    port: int | None
    socks: bool = False  # it speaks SOCKS (RFC 1928), not HTTP


class Cover(IntEnum):
    """How many clients keep a request from the proxy because of NO_PROXY."""

    NONE, SOME, ALL = range(3)


def parse_proxy(variable: str, value: str) -> Proxy | None:
    """Read `http://user:password@host:3128/`, `host:3128` and the like; None for what names no host."""
    found = _VALUE.fullmatch(value.strip())
    if not found:
        return None
    scheme = (found["scheme"] or "http").lower()
    port = int(found["port"]) if found["port"] else _PORTS.get(scheme)
    return Proxy(variable, found["host"].strip("[]").lower(), port, scheme.startswith("socks"))


def cover(no_proxy: str, host: str, port: int | None) -> Cover:
    """How far `no_proxy` covers `host`: ALL where curl, wget, Python, Go and Node's agents agree that it does.

    They agree on `*`, on the host itself and on a domain above it; CIDR, `127.*`, `[::1]`, `host:port` and
    a leading dot before the very name are read by some only.
    """
    entries = [entry.lower() for entry in re.split(r"[,\s]+", no_proxy) if entry]
    return max((_cover(entry, host.lower(), port) for entry in entries), default=Cover.NONE)


def _cover(entry: str, host: str, port: int | None) -> Cover:
    if entry in ("*", host):
        return Cover.ALL
    if not _is_number(host) and host.endswith("." + entry.lstrip(".")):
        return Cover.ALL
    some = (
        entry.lstrip(".") == host
        or entry.strip("[]") == host
        or entry in (f"{host}:{port}", f"[{host}]:{port}")
        or ("*" in entry and fnmatchcase(host, entry))
        or _in_network(entry.strip("[]"), host)
    )
    return Cover.SOME if some else Cover.NONE


def _in_network(entry: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        return False


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
