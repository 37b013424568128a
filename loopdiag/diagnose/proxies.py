"""The topics about proxies: what the environment says, whether a proxy on this host answers, and with what."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.host.read import read
from loopdiag.model.proxy import parse_proxy
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts
    from loopdiag.model.names import NameFacts
    from loopdiag.model.observation import TcpConnect
    from loopdiag.model.proxy import Proxy
    from loopdiag.model.service import HttpExchange

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_PATIENCE = 0.5  # seconds for a proxy on this very host
_ANSWERS = 1.0  # seconds for what it is asked
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


def proxy_answers(question: Question, facts: Facts) -> tuple[HttpExchange, ...]:
    """The request that was answered directly, sent again through each HTTP proxy on this host that took a connection.

    Only where the scheme is http: it is sent with the whole URL, as RFC 9112 3.2.2 says. Nothing for SOCKS and https.
    """
    direct = any(seen.kind == "http" and seen.outcome.good for seen in question.observations)
    target = question.target
    if not direct or target.scheme not in ("http", "tcp") or not target.host or not facts.proxies:
        return ()
    wanted = {found.port for found in _parsed(facts.proxies) if not found.socks}
    alive = [one for one in facts.proxy_attempts or () if one.outcome.good and one.port in wanted]
    if not alive:
        return ()
    from loopdiag.probes.http import ask_http, host_header

    host = host_header(target, target.port or 80)
    url = replace(target, path=f"http://{host}{target.path or '/'}")
    return tuple(ask_http(url, one.address, one.port or 0, host, _ANSWERS) for one in alive)


def _parsed(variables: Mapping[str, str]) -> Iterator[Proxy]:
    for name, value in variables.items():
        if name.lower() != "no_proxy" and (found := parse_proxy(name, value)):
            yield found


def _speaks_http(question: Question) -> bool:
    return question.target.scheme in ("http", "https", "ws", "wss") or any(
        seen.kind == "http" and seen.outcome.good for seen in question.observations
    )


def _local(variables: Mapping[str, str], facts: Facts) -> Iterator[tuple[str, int]]:
    for proxy in _parsed(variables):
        if proxy.port:
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
        return tuple(one for one in _of_the_hosts_file(host) if ip_address(one).is_loopback or one in _own(facts))
    return (host,) if address.is_loopback or host in _own(facts) else ()


def _of_the_hosts_file(host: str) -> tuple[str, ...]:
    files: NameFacts | Unknown = read("names", host)
    return () if isinstance(files, Unknown) else tuple(dict.fromkeys(line.address for line in files.lines()))


def _own(facts: Facts) -> set[str]:
    interfaces = facts.interfaces
    if interfaces is None or isinstance(interfaces, Unknown):
        return set()
    return {held.address for interface in interfaces for held in interface.addresses}
