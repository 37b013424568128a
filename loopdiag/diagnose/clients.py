"""`--clients`: what the clients that people use make of a target. Each address that one would try is tried for real."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.diagnose.attempts import Attempts
from loopdiag.diagnose.gather import Question, gather
from loopdiag.diagnose.proxies import VARIABLES, proxies
from loopdiag.explain.clients.addresses import NameAnswers, addresses_of, lookups_of
from loopdiag.explain.clients.agreement import agreement
from loopdiag.explain.clients.policy import is_of, parse_policies
from loopdiag.explain.clients.predict import Surroundings, predict
from loopdiag.explain.evidence import known
from loopdiag.host.read import read
from loopdiag.model.address import endpoint
from loopdiag.model.client import Witness
from loopdiag.model.errors import UsageError
from loopdiag.model.observation import TcpConnect
from loopdiag.model.proxy import parse_proxy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loopdiag.explain.clients.addresses import Lookup
    from loopdiag.explain.clients.policy import Policy
    from loopdiag.model.client import Prediction
    from loopdiag.model.facts import Facts
    from loopdiag.model.names import NameFacts
    from loopdiag.model.report import Report
    from loopdiag.model.target import Target
    from loopdiag.probes.clients import Run

_WEB = ("http", "https", "ws", "wss")
_DATABASES = {"postgres": "postgres", "postgresql": "postgres", "mysql": "mysql"}
_MOST_ADDRESSES = 16
_IPV6_INTERNET = "2001:4860:4860::8888"  # whether it has a route is what Chromium looks at; nothing is sent to it


def with_clients(
    report: Report, *, only: Sequence[str] = (), verify: bool = False, timeout: float | None = None
) -> Report:
    """The report with `clients` added: a row for each client that speaks the target's protocol.

    `only` those whose name begins so, or whose program is called so. With `verify`, the clients that are installed
    here make one request each. `timeout` is in seconds, for one answer. Raises UsageError where clients have nothing
    to do with the target.
    """
    target = report.target
    if target is None or target.host is None or target.transport not in ("tcp", "icmp"):
        raise UsageError(f"clients are shown for names and TCP ports, which '{target and target.input}' is not")
    if verify and target.port is None:
        raise UsageError(f"--verify needs a port, as in 'loopdiag why {target.host}:3000 --verify'")
    began = time.monotonic()
    policies = [one for one in chosen(only) if _speaks(one, target)]
    facts = gather(Question(target=target), ("interfaces",), report.facts)
    names = _names(target, facts, policies, timeout)
    here = _surroundings(target, report, names, policies, timeout)
    rows = [predict(one, here) for one in policies]
    if verify and target.port is not None:
        is_web = any(one.kind == "http" and one.outcome.good for one in report.observations)
        runs = {one.name for one in policies if one.speaks == "http" or not is_web}  # HTTP is not answered for others
        rows = [_verified(row, one, here) if one.name in runs else row for row, one in zip(rows, policies, strict=True)]
    seconds = report.seconds + time.monotonic() - began
    return replace(report, seconds=seconds, extra={**report.extra, "clients": tuple(rows)})


def chosen(only: Sequence[str]) -> tuple[Policy, ...]:
    """The clients that are asked for, all of them where none is named; raises UsageError for one that is not known."""
    policies = read_policies()
    for word in only:
        if not any(_called(one, word) for one in policies):
            names = ", ".join(one.name for one in policies)
            raise UsageError(f"'{word}' is no client that is known here: there are {names}")
    return tuple(one for one in policies if not only or any(_called(one, word) for word in only))


def document() -> str:
    """docs/clients.md, as it must be."""
    from loopdiag.explain.clients.page import markdown

    return markdown(read_policies())


def _called(policy: Policy, word: str) -> bool:
    return policy.name.lower().startswith(word.lower()) or policy.program == word.lower()


def read_policies() -> tuple[Policy, ...]:
    """The data file, parsed."""
    from importlib.resources import files

    return parse_policies((files("loopdiag.explain.clients") / "policies.toml").read_text(encoding="utf-8"))


def _speaks(policy: Policy, target: Target) -> bool:
    """All clients for a bare port; those of the protocol where the target names one."""
    if target.scheme in _WEB:
        return policy.speaks == "http"
    wanted = _DATABASES.get(target.scheme)
    return wanted is None or policy.speaks == wanted


def _names(target: Target, facts: Facts, policies: Sequence[Policy], timeout: float | None) -> NameAnswers:
    interfaces = known(facts.interfaces) or ()
    held = [one.address for interface in interfaces for one in interface.addresses]
    names = NameAnswers(
        host=target.host or "",
        numeric=target.address is not None,
        online=any(one.running and not one.loopback and one.addresses for one in interfaces),
        ipv6_loopback="::1" in held,
        ipv6_address=any(":" in one for one in held),
    )
    if names.numeric:
        return names
    files: NameFacts | None = known(read("names", names.host))
    if files:
        names = _with_files(names, files)
    wanted = dict.fromkeys(lookup for one in policies for lookup in lookups_of(one, names))
    names = replace(names, lookups=_looked_up(names.host, wanted, timeout))
    return replace(names, **_ways(names))


def _with_files(names: NameAnswers, files: NameFacts) -> NameAnswers:
    """With what the resolver's files say of the name."""
    lines = files.lines() if isinstance(files.hosts, tuple) else None
    listed = files.services if isinstance(files.services, tuple) else ("files", "dns")
    return replace(
        names,
        hosts_file=None if lines is None else tuple(line.address for line in lines),
        spelled_so=any(names.host in line.names for line in lines or ()),
        services=tuple(one for one in listed if not one.startswith("[")),
    )


def _ways(names: NameAnswers) -> dict[str, Any]:
    """From which address each can be sent to, and whether there is a way to the IPv6 Internet."""
    from loopdiag.probes.source import sources_of

    found = {one for each in names.lookups.values() if isinstance(each, tuple) for one in each}
    sources = sources_of({*found, *(names.hosts_file or ()), _IPV6_INTERNET})
    return {"sources": sources, "ipv6_route": _IPV6_INTERNET in sources}


def _looked_up(host: str, wanted: Iterable[Lookup], timeout: float | None) -> dict[Lookup, tuple[str, ...] | str]:
    """Every way in which one of the clients asks, asked together."""
    from loopdiag.probes.resolve import Ask, ask_together

    asks = {one: Ask(one.family, one.configured_only) for one in wanted}
    answers = ask_together(host, list(asks.values()), timeout)
    return {
        one: got.error or tuple(map(str, got.addresses[:_MOST_ADDRESSES]))
        for one, got in zip(asks, answers, strict=True)
    }


def _surroundings(
    target: Target, report: Report, names: NameAnswers, policies: Sequence[Policy], timeout: float | None
) -> Surroundings:
    seen = {one.address: one for one in report.observations if isinstance(one, TcpConnect)}
    question = Question(target=replace(target, scheme="http"))
    environment = {**proxies(question, report.facts), **_empty_variables()}
    if target.port is not None:
        found = (addresses_of(one, names) for one in policies)
        tried = dict.fromkeys(one for each in found if isinstance(each, tuple) for one in each)
        missing = [one for one in tried if one not in seen]
        for one in Attempts(replace(target, scheme="tcp"), timeout).run(missing).observations:
            if isinstance(one, TcpConnect):
                seen.setdefault(one.address, one)
    scheme = target.scheme if target.scheme in _WEB else "http"
    return Surroundings(names=names, port=target.port, scheme=scheme, seen=seen, environment=environment,
                        proxies=_answering(question, report.facts, environment))  # fmt: skip


def _answering(question: Question, facts: Facts, environment: Mapping[str, str]) -> dict[str, bool]:
    """By `host:port`, whether a proxy on this host answers; one elsewhere is not asked."""
    from loopdiag.diagnose.proxies import proxy_attempts

    attempts = facts.proxy_attempts or proxy_attempts(question, replace(facts, proxies=environment))
    ports: dict[int | None, bool] = {}
    for one in attempts:
        ports[one.port] = ports.get(one.port, False) or one.outcome.good
    found = (parse_proxy(name, value) for name, value in environment.items() if name.lower() != "no_proxy")
    return {endpoint(one.host, one.port): ports[one.port] for one in found if one and one.port in ports}


def _empty_variables() -> dict[str, str]:
    """The proxy variables that are set to nothing, which hides others from some."""
    import os

    names = (spelling for name in VARIABLES for spelling in (name, name.upper()))
    return {name: "" for name in names if os.environ.get(name) == ""}


def _verified(row: Prediction, policy: Policy, here: Surroundings) -> Prediction:
    """The row with what the real client did, where one of its version is installed."""
    if not policy.program:
        return row
    from loopdiag.probes.client_installed import installed
    from loopdiag.probes.clients import run_client

    found = (parse_proxy(name, value) for name, value in here.environment.items() if name.lower() != "no_proxy")
    proxy_ports = [one.port for one in found if one and one.port]
    for one in installed(policy.program):
        if is_of(policy, one.version) and policy.build in ("", one.build):
            ran = run_client(policy.program, one.path, here.names.host, here.port or 0, here.scheme, proxy_ports)
            if ran:
                return replace(row, verified=_witness(row, policy, here, ran))
    return row


def _witness(row: Prediction, policy: Policy, here: Surroundings, ran: Run) -> Witness:
    peer = endpoint(*ran.peer) if ran.peer else None
    if here.names.host in policy.unix_socket_for:
        agrees: bool | None = peer is None
    else:
        agrees = agreement(row, here, peer, ran.said, ran.waited, certain=ran.certain)
    return Witness(program=ran.program, peer=peer, says=ran.said, agrees=agrees)
