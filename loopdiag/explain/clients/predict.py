"""Predict how a client's attempt ends: a pure function of its policy, this host's answers and what sockets saw."""

from __future__ import annotations

import errno
import os
from dataclasses import field
from typing import TYPE_CHECKING

from loopdiag.explain.client.ports import BAD_PORTS
from loopdiag.explain.clients.addresses import TIMED_OUT, addresses_of, groups_of
from loopdiag.explain.clients.no_proxy import broken_by, captured_by, honoured
from loopdiag.model.address import endpoint
from loopdiag.model.client import Ending, Prediction, ProxyUse
from loopdiag.model.observation import Outcome
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopdiag.explain.clients.addresses import NameAnswers
    from loopdiag.explain.clients.policy import Policy
    from loopdiag.model.observation import TcpConnect
    from loopdiag.model.proxy import Proxy


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all clients meet here. `seen` are the outcomes by address; `proxies` whether each `host:port` answers."""

    names: NameAnswers
    port: int | None
    scheme: str = "http"
    seen: Mapping[str, TcpConnect] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    proxies: Mapping[str, bool] = field(default_factory=dict)


def predict(policy: Policy, here: Surroundings) -> Prediction:
    """The row of this client."""
    host = here.names.host
    if host in policy.unix_socket_for:
        return _row(policy, (), Ending.UNKNOWN, f"means its UNIX socket by {host}: no address is tried")
    if policy.refuses_bad_ports and here.port in BAD_PORTS:
        return _row(policy, (), Ending.FAILS, policy.refuses_bad_ports)
    found = addresses_of(policy, here.names)
    secure = here.scheme in ("https", "wss")
    first = found[0] if isinstance(found, tuple) and found else None
    loopback = _is_loopback(first or host)
    proxy = captured_by(policy.proxy, here.environment, secure, host, here.port, loopback, first)
    if broken_by(policy.proxy, here.environment, proxy):
        return _row(policy, (), Ending.FAILS, policy.proxy.breaks_with)
    if proxy:
        return _proxied(policy, here, proxy)
    if found is None:
        return _row(policy, (), Ending.UNKNOWN, "asks the name server itself, which was not done here")
    if found == TIMED_OUT:
        return _row(policy, (), Ending.HANGS, "the resolver does not answer")
    if isinstance(found, str):
        return _row(policy, (), Ending.FAILS, _unresolved(policy, here, found))
    return _connected(policy, here, found)


def _unresolved(policy: Policy, here: Surroundings, code: str) -> str:
    """Its message; empty for EAI_SYSTEM, for which each looks at another errno."""
    template = policy.fails_ipv6 if here.names.numeric and policy.fails_ipv6 else policy.unresolved
    return "" if code == "EAI_SYSTEM" else _filled(policy, template, here, None, code)


def _is_loopback(first: str) -> bool:
    """By name (localhost and below), or by address."""
    name = first.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost") or first == "::1" or first.startswith("127.")


def _proxied(policy: Policy, here: Surroundings, proxy: Proxy) -> Prediction:
    where = endpoint(proxy.host, proxy.port)
    answers = here.proxies.get(where)
    use = ProxyUse(variable=proxy.variable, to=where, answers=answers)
    if answers:
        return _row(policy, (), Ending.PROXIED, f"{proxy.variable} sends it to {where}, which answers", proxy=use)
    if answers is None:
        text = f"{proxy.variable} sends it to {where}, a proxy elsewhere"
        return _row(policy, (), Ending.PROXIED, text, proxy=use)
    text = f"{proxy.variable} sends it to {where}, where nothing answers"
    return _row(policy, (), Ending.FAILS, text, proxy=use)


def _connected(policy: Policy, here: Surroundings, found: tuple[str, ...]) -> Prediction:
    if here.port is None or not all(one in here.seen for one in found):
        return _row(policy, found, Ending.UNKNOWN, "")
    reached, waited = _reached(policy, here, found)
    if reached is None:
        return _failed(policy, here, found)
    if reached == found[0]:
        return _row(policy, found, Ending.REACHES, "at once", reached, 0.0)
    why = here.seen[found[0]]
    when = f"after {_time(waited)}" if waited else "at once"
    text = f"{when}; {found[0]}: {why.errno or why.outcome.value}"
    return _row(policy, found, Ending.FALLS_BACK, text, reached, waited)


def _time(seconds: float) -> str:
    if seconds >= _KERNEL:
        return "two minutes (tcp_syn_retries)"
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


_KERNEL = 127.0  # seconds until connect() gives up: net.ipv4.tcp_syn_retries = 6 (tcp(7))


def _reached(policy: Policy, here: Surroundings, found: Sequence[str]) -> tuple[str | None, float]:
    """Which address is reached, and the seconds until it is tried."""
    if policy.connects == "racing":
        return _raced(policy, here, found)
    if policy.connects == "racing-ipv4":
        return _rescued(policy, here, found)
    return _in_turn(here, found, policy.delay if policy.connects == "alternating" else policy.patience)


def _in_turn(here: Surroundings, found: Sequence[str], patience: float | None) -> tuple[str | None, float]:
    """One after the other: which is reached, and the seconds that the silent ones before it cost."""
    waited = 0.0
    for address in found:
        seen = here.seen[address]
        if seen.outcome.good:
            return address, waited
        if seen.outcome is Outcome.TIMED_OUT:
            waited += patience or _KERNEL
    return None, waited


def _raced(policy: Policy, here: Surroundings, found: Sequence[str]) -> tuple[str | None, float]:
    """Both IP versions, the second with a handicap, which ends where the first has failed altogether."""
    first, second = (_in_turn(here, group, policy.patience) for group in groups_of(found))
    silent = any(here.seen[one].outcome is Outcome.TIMED_OUT for one in groups_of(found)[0])
    if first[0] and (not first[1] or not second[0]):
        return first
    if not second[0]:
        return None, 0.0
    return second[0], second[1] + ((policy.delay or 0.0) if silent else 0.0)


def _rescued(policy: Policy, here: Surroundings, found: Sequence[str]) -> tuple[str | None, float]:
    """One attempt with all; where that meets a silent address, a second with IPv4 alone, by which it is decided."""
    first, second = _attempts(here, found)
    last = first if second is None else second
    reached = last if last and here.seen[last].outcome.good else None
    return reached, 0.0 if second is None else policy.delay or 0.0


def _attempts(here: Surroundings, found: Sequence[str]) -> tuple[str, str | None]:
    """Where the first attempt ends, and the second: empty where there is no IPv4 address, None where there is none."""
    first = _leapt(here, found)
    if here.seen[first].outcome is not Outcome.TIMED_OUT:
        return first, None
    ipv4 = found if here.names.numeric else tuple(one for one in found if ":" not in one)
    return first, _leapt(here, ipv4) if ipv4 else ""


def _leapt(here: Surroundings, found: Sequence[str]) -> str:
    """The address at which one ends that goes on to the next but one, as far as there is one, else to the next."""
    at = 0
    while at < len(found) - 1:
        seen = here.seen[found[at]].outcome
        if seen.good or seen is Outcome.TIMED_OUT:
            break
        at = min(at + 2, len(found) - 1)
    return found[at]


def _failed_twice(policy: Policy, here: Surroundings, found: tuple[str, ...]) -> Prediction:
    first, second = _attempts(here, found)
    if second == "":
        return _row(policy, found, Ending.FAILS, _unresolved(policy, here, "EAI_NONAME"))
    last = first if second is None else second
    if here.seen[last].outcome is Outcome.TIMED_OUT:
        return _row(policy, found, Ending.HANGS, f"no answer from {last}")
    return _row(policy, found, Ending.FAILS, _filled(policy, policy.fails, here, last, here.seen[last].errno))


def _failed(policy: Policy, here: Surroundings, found: tuple[str, ...]) -> Prediction:
    if policy.connects == "racing-ipv4":
        return _failed_twice(policy, here, found)
    silent = [one for one in found if here.seen[one].outcome is Outcome.TIMED_OUT]
    patience = policy.delay if policy.connects == "alternating" else policy.patience
    if silent and (policy.connects == "racing" or not patience or silent[-1] == found[-1]):
        return _row(policy, found, Ending.HANGS, f"no answer from {silent[0]}")
    address = found[0] if policy.reports == "first" else found[-1]
    template = policy.fails_alone if len(found) == 1 and policy.fails_alone else policy.fails
    return _row(policy, found, Ending.FAILS, _filled(policy, template, here, address, here.seen[address].errno))


def _filled(policy: Policy, template: str, here: Surroundings, address: str | None, code: str | None) -> str:
    number = getattr(errno, code, None) if code else None
    error = policy.errors.get(code or "") or (os.strerror(number) if number else _RESOLVER.get(code or "", code or ""))
    words = policy.words if here.names.online else {**policy.words, **policy.words_offline}
    values = {
        "host": here.names.host,
        "named": f'"{here.names.host}"' + ("" if here.names.numeric else f" ({address})"),
        "asked": endpoint(here.names.host, here.port),
        "port": here.port,
        "address": address,
        "endpoint": endpoint(address or "", here.port),
        "errno": code or "",
        "number": number,
        "error": error,
        "lower": error.lower(),
        "word": words.get(code or "", code or ""),
    }
    return template.format(**values)


_RESOLVER = {
    "EAI_NONAME": "Name or service not known",
    "EAI_AGAIN": "Temporary failure in name resolution",
    "EAI_NODATA": "No address associated with hostname",
    "EAI_ADDRFAMILY": "Address family for hostname not supported",
}  # gai_strerror(3)


def _row(
    policy: Policy,
    addresses: tuple[str, ...],
    ending: Ending,
    says: str,
    address: str | None = None,
    seconds: float | None = None,
    *,
    proxy: ProxyUse | None = None,
) -> Prediction:
    return Prediction(
        client=policy.name,
        versions=policy.versions,
        addresses=addresses,
        tries={"alternating": "sequential", "racing-ipv4": "racing"}.get(policy.connects, policy.connects),
        delay=policy.patience if policy.delay is None else policy.delay,
        ending=ending,
        address=address,
        seconds=seconds,
        says=says,
        proxy=proxy,
        proxy_variables=policy.proxy.http,
        no_proxy=honoured(policy.proxy),
        sources=policy.sources,
        ran=policy.ran,
    )
