"""Whether a proxy variable captures a client's request, by the forms of NO_PROXY that this client reads."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from loopdiag.explain.clients.policy import FORMS
from loopdiag.model.proxy import parse_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopdiag.explain.clients.policy import ProxyPolicy
    from loopdiag.model.proxy import Proxy


def captured_by(
    policy: ProxyPolicy,
    environment: Mapping[str, str],
    secure: bool,
    host: str,
    port: int | None,
    loopback: bool,
    address: str | None = None,
) -> Proxy | None:
    """The proxy that gets the request for `host`, None where it goes there directly.

    `loopback`: the host is localhost or has a loopback address. `address`: what the client takes the host for.
    """
    name = _first_set(policy.https if secure else policy.http, environment, "proxy" in policy.empty_hides)
    value = environment[name] if name else ""
    if not name or not value or (policy.schemeless == "ignored" and "://" not in value):
        return None
    if policy.never_for_loopback and loopback:
        return None
    return None if _kept_away(policy, environment, host, port, address) else parse_proxy(name, value)


def broken_by(policy: ProxyPolicy, environment: Mapping[str, str], proxy: Proxy | None) -> bool:
    """NO_PROXY holds what this client fails at altogether, or its `proxy` is given as it cannot read it."""
    if proxy and policy.schemeless == "fails" and "://" not in environment[proxy.variable]:
        return True
    bracketed = (entry[0] == "[" and entry[-1] == "]" for entry in _entries(policy, environment))
    return "[::1]" in policy.breaks_on and any(bracketed)


def honoured(policy: ProxyPolicy) -> str:
    """What of NO_PROXY it reads, in words."""
    if not policy.http:
        return "reads no proxy variable"
    loopback = "never for loopback" if policy.never_for_loopback else ""
    forms = (
        f"{' or '.join(policy.no_proxy)}: {', '.join(FORMS[one] for one in policy.forms)}" if policy.no_proxy else ""
    )
    return "; ".join(part for part in (loopback, forms) if part) or "reads no NO_PROXY"


def _kept_away(
    policy: ProxyPolicy, environment: Mapping[str, str], host: str, port: int | None, address: str | None
) -> bool:
    entries = _entries(policy, environment)
    if "cidr-of-name" in policy.forms and address and any(_in_network(entry, address) for entry in entries):
        return True
    return any(_covers(policy.forms, entry, host.lower(), port, entries) for entry in entries)


def _first_set(names: Sequence[str], environment: Mapping[str, str], empty_too: bool) -> str | None:
    return next((name for name in names if environment.get(name) or (empty_too and name in environment)), None)


def _entries(policy: ProxyPolicy, environment: Mapping[str, str]) -> list[str]:
    value = environment.get(_first_set(policy.no_proxy, environment, "no_proxy" in policy.empty_hides) or "", "")
    parts = (part.strip() for part in re.split(f"[{policy.separators}]+", value.lower()))
    return [part for part in parts if part]


def _covers(forms: Sequence[str], entry: str, host: str, port: int | None, entries: Sequence[str]) -> bool:
    """One entry: `host` is a name or an address without brackets."""
    if entry == "*":
        return "star-among" in forms or ("star" in forms and len(entries) == 1)
    if ("address:port" if _is_address(host) else "host:port") in forms:
        name, colon, number = entry.rpartition(":")
        if colon and number == str(port) and name.count(":") == 0:
            entry = name
    if _is_address(host):
        return _covers_address(forms, entry, host)
    return (
        ("host" in forms and entry == host)
        or ("domain" in forms and host.endswith("." + entry.removeprefix(".")))
        or ("dot-domain" in forms and entry[0] == "." and host.endswith(entry))
        or ("leading-dot" in forms and entry == f".{host}")
        or ("glob" in forms and fnmatchcase(host, entry))
    )


def _covers_address(forms: Sequence[str], entry: str, host: str) -> bool:
    if ":" in host:
        return ("::1" in forms and entry == host) or ("[::1]" in forms and entry == f"[{host}]")
    return (
        ("host" in forms and entry == host)
        or ("leading-dot" in forms and entry == f".{host}")
        or ("cidr" in forms and "/" in entry and _in_network(entry, host))
        or ("glob" in forms and fnmatchcase(host, entry))
    )


def _in_network(entry: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
