"""The topics `proxies` and `proxy_attempts`: what the environment says, and whether a proxy on this host answers."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from loopdiag.model.proxy import parse_proxy
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts
    from loopdiag.model.observation import TcpConnect

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_PATIENCE = 0.5  # seconds for a proxy on this very host
_SECRET = re.compile(r"^([^/@]*://)?.*@")


def proxies(question: Question, facts: Facts) -> dict[str, str]:
    """The proxy variables that are set, in both spellings, user and password left out."""
    names = (spelling for name in VARIABLES for spelling in (name, name.upper()))
    return {name: _SECRET.sub(r"\1", os.environ[name]) for name in names if os.environ.get(name)}


def proxy_attempts(question: Question, facts: Facts) -> tuple[TcpConnect, ...]:
    """One connection to each proxy that is on this host, closed at once; a proxy elsewhere is left in peace."""
    if not facts.proxies or not _speaks_http(question):
        return ()
    from loopdiag.probes.tcp import connect_tcp

    return tuple(connect_tcp(address, port, _PATIENCE) for address, port in dict.fromkeys(_local(facts.proxies, facts)))


def _speaks_http(question: Question) -> bool:
    return question.target.scheme in ("http", "https", "ws", "wss") or any(
        seen.kind == "http" and seen.outcome.good for seen in question.observations
    )


def _local(variables: Mapping[str, str], facts: Facts) -> Iterator[tuple[str, int]]:
    for name, value in variables.items():
        proxy = None if name.lower() == "no_proxy" else parse_proxy(name, value)
        if proxy and proxy.port:
            for address in _addresses(proxy.host, facts):
                yield address, proxy.port


def _addresses(host: str, facts: Facts) -> tuple[str, ...]:
    """The addresses of `host` where it is this host: no name is asked of a name server for this."""
    from ipaddress import ip_address

    from loopdiag.probes.resolve import resolve_addresses

    if host == "localhost":
        return tuple(map(str, resolve_addresses(host, timeout=_PATIENCE).addresses))
    try:
        address = ip_address(host)
    except ValueError:
        return ()
    return (host,) if address.is_loopback or host in _own(facts) else ()


def _own(facts: Facts) -> set[str]:
    interfaces = facts.interfaces
    if interfaces is None or isinstance(interfaces, Unknown):
        return set()
    return {held.address for interface in interfaces for held in interface.addresses}
