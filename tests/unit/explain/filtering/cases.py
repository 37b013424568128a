"""One attempt and what is known beside it, for the rules about the packet filter: a healthy case to change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.explain.packetfilter.journey import Exchange, follow
from loopdiag.explain.packetfilter.place import World
from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.journey import Drop
from loopdiag.model.limits import CgroupProgram, Qdisc, Sandbox
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.packetfilter import LAST_OF_HANDSHAKE
from loopdiag.model.socket import Socket
from loopdiag.model.target import parse_target
from tests.unit.explain.healthy import ETH, LO
from tests.unit.explain.packetfilter.rulesets import SYN, SYN_ACK, match, ruleset

if TYPE_CHECKING:
    from loopdiag.model.observation import Observation
    from loopdiag.model.packetfilter import FilterPath, Ruleset

SILENT = TcpConnect(address="127.0.0.1", port=80, outcome=Outcome.TIMED_OUT, seconds=1.2, local="127.0.0.1:40000")
REFUSED = replace(SILENT, outcome=Outcome.REFUSED, errno="ECONNREFUSED")
DENIED = replace(SILENT, outcome=Outcome.DENIED, errno="EPERM")
WORKS = replace(SILENT, outcome=Outcome.CONNECTED, seconds=0.0001)
HALF_OPEN = replace(WORKS, far_end="SYN-RECV")
LISTENER = Socket(protocol="tcp", state="LISTEN", address="127.0.0.1", port=80, families=("ipv4",), queue_limit=128)
RECORD = Drop(reason="NETFILTER_DROP", place="nft_do_chain", at=0.0001)
PROGRAM = CgroupProgram(cgroup="/app", attach_type="inet4_connect", id=7, name="deny")
SANDBOX = Sandbox(seccomp="disabled", no_new_privileges=False, capabilities=())
NOQUEUE = Qdisc(device="lo", kind="noqueue", handle="0:", parent="root")
NUMGEN = match({"numgen": {"mode": "random", "mod": 2, "offset": 0}}, 0)


def paths(rules: Ruleset, *, answered: bool = False) -> tuple[FilterPath, ...]:
    world = World(addresses=frozenset({"127.0.0.1", "::1"}), devices={"lo": 1}, masquerade="")
    last = replace(SYN, name=LAST_OF_HANDSHAKE, state="established", tcp_flags=frozenset({"ack"}))
    data = replace(last, name="data", tcp_flags=frozenset({"ack", "psh"}))
    exchange = Exchange(of=SILENT.label, probe=SYN, answers=(SYN_ACK,), later=(last, data), answered=answered)
    return tuple(follow(rules, world, exchange))


def case(seen: Observation = SILENT, rules: Ruleset | None = None, **facts: Any) -> Case:
    read = ruleset() if rules is None else rules
    came = seen.outcome is Outcome.CONNECTED
    given: dict[str, Any] = {"ruleset": read, "filter_paths": paths(read, answered=came), "interfaces": (LO, ETH),
                             "listeners": (LISTENER,), **facts}  # fmt: skip
    return Case("why", parse_target("127.0.0.1:80"), (seen,), Facts(**given))
