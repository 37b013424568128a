"""The checks of what surrounds a connection: tracking, queueing, the environment, the host's own name."""

from __future__ import annotations

import os

from loopdiag.diagnose.checkup.result import Looked, found, passed, skipped, unread
from loopdiag.explain.filtering.qdisc import standing
from loopdiag.host.read import read
from loopdiag.model.checkup import State
from loopdiag.model.finding import Evidence, Finding, Fix, Severity
from loopdiag.model.proxy import Cover, cover
from loopdiag.model.unknown import Unknown

MUCH = 0.8  # of a limit
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


def conntrack() -> Looked:
    """The connection tracking table has room."""
    table = read("conntrack")
    if isinstance(table, Unknown):
        return unread(table)
    if table is None or not table.limit:
        return passed("connections are not tracked, or without a limit")
    said = f"{table.count} of {table.limit} tracked connections"
    if table.count < MUCH * table.limit:
        return passed(said)
    full = table.count >= table.limit
    return found(
        Finding(
            cause="conntrack-full",
            severity=Severity.ERROR if full else Severity.WARNING,
            subject="connection tracking",
            statement=f"the connection tracking table is {'' if full else 'nearly '}full: {said}",
            evidence=(Evidence("net.netfilter.nf_conntrack_count", said),),
            fixes=(Fix("raise its limit", f"sysctl -w net.netfilter.nf_conntrack_max={table.limit * 2}"),),
        )
    )


def queueing() -> Looked:
    """Nothing delays or drops packets on lo."""
    disciplines = read("qdiscs")
    if isinstance(disciplines, Unknown):
        return unread(disciplines)
    odd = [(one, what) for one in disciplines if one.device == "lo" and (what := standing(one))]
    if not odd:
        return passed("no queueing discipline delays or drops on lo")
    one, what = odd[0]
    return found(
        Finding(
            cause="qdisc-on-loopback",
            severity=Severity.WARNING,
            subject="lo",
            statement=f"the traffic-control discipline {one.kind} {one.handle} on lo {what}: what this host sends to "
            "itself crosses it",
            evidence=(Evidence(f"qdisc {one.kind} {one.handle} of lo", f"dropped {one.drops}, waiting {one.backlog}, "
                               f"sent {one.sent} packets"),),
            fixes=(Fix("take it off lo", f"tc qdisc del dev lo {one.parent if one.parent == 'root' else one.kind}"),),
        )
    )  # fmt: skip


def echo_settings() -> Looked:
    """The kernel answers echo requests."""
    names = ("net.ipv4.icmp_echo_ignore_all", "net.ipv6.icmp.echo_ignore_all")
    settings = read("sysctls", names)
    off = [name for name in names if settings.get(name) == "1"]
    if not off:
        return passed("the kernel answers echo requests")
    return found(
        Finding(
            cause="echo-ignored",
            severity=Severity.WARNING,
            subject=off[0],
            statement=f"the kernel is told not to answer echo requests ({', '.join(off)} is 1): ping fails, no more",
            evidence=tuple(Evidence(f"sysctl {name}", "1") for name in off),
            fixes=tuple(Fix("let it answer", f"sysctl -w {name}=0") for name in off),
        )
    )


def proxies() -> Looked:
    """Proxy variables leave localhost alone."""
    setting = {name: _of_environment(name) for name in _PROXY_VARIABLES}
    used = {name: value for name, value in setting.items() if value}
    if not used:
        return passed("no proxy variable is set")
    left_out = _of_environment("no_proxy") or ""
    caught = [host for host in ("localhost", "127.0.0.1", "::1") if cover(left_out, host, None) is not Cover.ALL]
    if not caught:
        return passed(f"{', '.join(used)} set; no_proxy leaves localhost alone")
    return found(
        Finding(
            cause="proxy-captures-loopback",
            severity=Severity.WARNING,
            subject=next(iter(used)),
            statement=f"{', '.join(used)} sends requests to {', '.join(caught)} to a proxy: no_proxy does not name "
            f"{'it' if len(caught) == 1 else 'them'} in a form that all clients read",
            evidence=(Evidence("environment", f"no_proxy is {left_out or 'not set'}"),),
            fixes=(Fix("name them in no_proxy", "export no_proxy=localhost,127.0.0.1,::1"),),
        )
    )


def _of_environment(name: str) -> str | None:
    return os.environ.get(name) or os.environ.get(name.upper())


def own_name() -> Looked:
    """The host's own name is in the hosts file, as an address of this host."""
    import socket

    name = socket.gethostname()
    names = read("names", name)
    interfaces = read("interfaces")
    if isinstance(names, Unknown):
        return unread(names)
    lines = names.lines() if not isinstance(names.hosts, Unknown) else ()
    if not lines:
        return skipped(f"the hosts file does not name {name}; asking for it might leave this host")
    addresses = [line.address for line in lines]
    own = set() if isinstance(interfaces, Unknown) else {each.address for one in interfaces for each in one.addresses}
    foreign = [one for one in addresses if one not in own and not one.startswith("127.")]
    if foreign and own:
        return Looked(State.WARNED, f"{name} is {', '.join(foreign)} in the hosts file, which this host does not have")
    return passed(f"{name} is {', '.join(addresses)} in the hosts file")
