"""What the evaluated rules foretell beside what real sockets see: the machinery of test_filter_parity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.gather import Question, gather
from loopdiag.diagnose.packets import paths_of
from loopdiag.explain.packetfilter.symbols import REJECT_ERRNO
from loopdiag.model.observation import Outcome
from loopdiag.model.target import parse_target
from loopdiag.probes.echo_once import echo_once
from loopdiag.probes.tcp import connect_tcp
from loopdiag.probes.udp import exchange_udp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopdiag.model.facts import Facts
    from loopdiag.model.observation import Observation
    from loopdiag.model.packetfilter import FilterPath, Ruleset
    from loopdiag.model.socket import Socket

ERRNO_OUTCOME = {
    "ECONNREFUSED": "refused", "ENOPROTOOPT": "failed", "EHOSTUNREACH": "unreachable", "ENETUNREACH": "unreachable",
    "EACCES": "denied", "EPERM": "denied",
}  # fmt: skip
SHORT, LONG = 0.15, 3.0  # seconds: to see that nothing comes; to give a slow machine a second chance

SERVERS = """
import socket, threading
def tcp(address, port, family):
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6: server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, port)); server.listen(64)
    while True: server.accept()[0].close()
def udp(address, port, family):
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, port))
    while True:
        try: server.sendto(*server.recvfrom(2000))
        except OSError: pass
for address, family in (("127.0.0.1", 2), ("127.0.0.2", 2), ("10.9.0.1", 2), ("::1", 10)):
    for port in (8080, 9090):
        for run in (tcp, udp): threading.Thread(target=run, args=(address, port, family)).start()
import time; time.sleep(0.2); print("ready", flush=True)
"""


def attempt(target: str, patience: float) -> Observation:
    """One real attempt."""
    asked = parse_target(target)
    address = str(asked.address)
    if asked.transport == "icmp":
        return echo_once(address, patience)
    run = exchange_udp if asked.transport == "udp" else connect_tcp
    return run(address, asked.port or 0, patience)


def surroundings(ports: Iterable[int]) -> Facts:
    """What does not change from one ruleset to the next."""
    listeners: list[Socket] = []
    for port in ports:
        target = parse_target(f"tcp://127.0.0.1:{port}")
        listeners.extend(gather(Question(target=target, port=port), ("listeners",)).listeners or ())  # type: ignore[arg-type]
    return replace(gather(Question(target=target), ("interfaces", "rules")), listeners=tuple(listeners))


def paths_under(ruleset: Ruleset, target: str, seen: Observation, facts: Facts) -> tuple[FilterPath, ...]:
    """The paths of one attempt under the rules as they were read after it."""
    asked = parse_target(target)
    question = Question(target=asked, addresses=(seen.address,), observations=(seen,), port=asked.port,
                        protocol=asked.transport)  # fmt: skip
    return paths_of(question, facts, ruleset)


def foretold(paths: tuple[FilterPath, ...], protocol: str, *, served: bool) -> str:
    """The outcome that these paths lead to; `served`: somebody listens where the packet arrives."""
    for path in paths:
        if path.packet.follows:
            break
        if any(step.action == "rewrite" for step in path.steps):
            return "timed-out"  # the answer comes from a port that was not asked
        if path.verdict == "queue":
            return "timed-out"
        if path.verdict == "drop":
            return _dropped(path, protocol)
        if path.verdict == "reject":
            return _rejected(path, paths, protocol)
    return "good" if served or protocol == "icmp" else "refused"


def _sends(path: FilterPath, protocol: str) -> bool:
    """The packet was stopped while the call that sends it had not returned."""
    return protocol != "tcp" and not path.packet.answer and path.steps[-1].hook in ("output", "postrouting")


def _dropped(path: FilterPath, protocol: str) -> str:
    if protocol != "tcp" and not path.packet.answer and path.steps[-1].hook == "egress":
        return "failed"  # ENOBUFS
    return "denied" if _sends(path, protocol) else "timed-out"


def _rejected(path: FilterPath, paths: tuple[FilterPath, ...], protocol: str) -> str:
    """The sender of what was rejected is told (of an answer: the server). On lo, the same rule may stop that."""
    if _sends(path, protocol):
        return "denied"
    if path.packet.answer or any(one.verdict != "accept" for one in paths if one.packet.name.endswith("the reject")):
        return "timed-out"
    kind, _, code = path.steps[-1].detail.partition(" ")
    return ERRNO_OUTCOME[REJECT_ERRNO[kind, code]]


def word(seen: Observation) -> str:
    """The outcome in the words of `foretold`."""
    return "good" if seen.outcome.good else Outcome(seen.outcome).value
