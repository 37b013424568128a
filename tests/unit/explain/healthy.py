"""A healthy host as rules see it: lo, one Ethernet interface, default rules, and an attempt that timed out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.interface import Interface, InterfaceAddress
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.route import PolicyRule, Route, RouteAnswer
from loopdiag.model.target import parse_host

if TYPE_CHECKING:
    from loopdiag.model.observation import Observation

OWN, OWN_SIX = "10.0.0.5", "2001:db8::5"
LO = Interface(
    name="lo", index=1, up=True, running=True, loopback=True, mtu=65536, qdisc="noqueue",
    addresses=(InterfaceAddress("127.0.0.1", 8, "host"), InterfaceAddress("::1", 128, "host")),
    flags=("up", "loopback", "running", "lower_up"),
)  # fmt: skip
ETH = Interface(
    name="eth0", index=2, up=True, running=True, loopback=False, mtu=1500, qdisc="fq",
    addresses=(InterfaceAddress(OWN, 24, "global"), InterfaceAddress(OWN_SIX, 64, "global")),
    flags=("up", "broadcast", "running", "multicast", "lower_up"),
)  # fmt: skip
LOCAL_RULE = PolicyRule(priority=0, action="lookup", table="local", text="0: from all lookup local")
MAIN_RULE = PolicyRule(priority=32766, action="lookup", table="main", text="32766: from all lookup main")
RULES = (LOCAL_RULE, MAIN_RULE, replace(LOCAL_RULE, family="ipv6"), replace(MAIN_RULE, family="ipv6"))
LOCAL_TABLE = (
    Route(destination="127.0.0.0/8", table="local", type="local", device="lo"),
    Route(destination="127.0.0.1/32", table="local", type="local", device="lo"),
    Route(destination="127.255.255.255/32", table="local", type="broadcast", device="lo"),
    Route(destination=f"{OWN}/32", table="local", type="local", device="eth0"),
    Route(destination="::1/128", table="local", type="local", device="lo"),
    Route(destination=f"{OWN_SIX}/128", table="local", type="local", device="eth0"),
)
SYSCTLS = {
    **{f"net.ipv4.conf.{one}.{name}": "0" for one in ("all", "lo", "eth0") for name in ("rp_filter", "route_localnet")},
    **{f"net.ipv6.conf.{one}.disable_ipv6": "0" for one in ("all", "lo", "eth0")},
}


def local(address: str, device: str = "lo", **changed: Any) -> RouteAnswer:
    """The kernel's answer for an own address."""
    found = RouteAnswer(
        destination=address, question=f"ip route get {address}", rule=LOCAL_RULE, table="local", type="local",
        device=device, through="lo", source=address, matched=f"{address}/32",
    )  # fmt: skip
    return replace(found, **changed)


def elsewhere(address: str, **changed: Any) -> RouteAnswer:
    """The kernel's answer for an address that is not its own."""
    found = local(address, "eth0", rule=MAIN_RULE, table="main", type="unicast", through="eth0", source=OWN,
                  matched="0.0.0.0/0", gateway="10.0.0.1")  # fmt: skip
    return replace(found, **changed)


def nowhere(address: str, errno: str = "ENETUNREACH", **changed: Any) -> RouteAnswer:
    """The kernel's refusal to route."""
    return replace(RouteAnswer(destination=address, question=f"ip route get {address}", errno=errno), **changed)


def attempt(address: str, outcome: Outcome = Outcome.TIMED_OUT, errno: str | None = None) -> TcpConnect:
    """A TCP connection that ended so."""
    return TcpConnect(address=address, port=80, outcome=outcome, errno=errno)


def case(*seen: Observation, command: str = "why", host: str = "127.0.0.1", **changed: Any) -> Case:
    """The healthy host, with the attempts `seen` and some facts changed; every address is routed as it should be."""
    addresses = [one.address for one in seen] or [host]
    facts = Facts(
        interfaces=(LO, ETH), rules=RULES, local_table=LOCAL_TABLE, sysctls=SYSCTLS,
        routes=tuple(local(address) for address in addresses),
    )  # fmt: skip
    return Case(command, parse_host(addresses[0], 80, "tcp"), seen, replace(facts, **changed))
