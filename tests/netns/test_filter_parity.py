"""The evaluated packet filter against reality: what it foretells for a packet is what a real socket sees."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from loopdiag.host.read import read
from loopdiag.model.packetfilter import Ruleset
from loopdiag.model.target import parse_target
from tests.host import Host
from tests.netns.filter_parity import (
    LONG,
    SERVERS,
    SHORT,
    attempt,
    foretold,
    paths_under,
    surroundings,
    word,
)
from tests.netns.filter_rulesets import RULESETS, TARGETS, reset

if TYPE_CHECKING:
    from loopdiag.model.facts import Facts
    from loopdiag.model.packetfilter import FilterPath

HOSTS = 4
SERVED = {(address, port) for address in ("127.0.0.1", "127.0.0.2", "10.9.0.1", "::1") for port in (8080, 9090)}


@pytest.mark.needs("root", "nft", "iptables-legacy", "iptables-nft")
def test_what_the_rules_foretell_is_what_sockets_see() -> None:
    names = list(RULESETS)
    with ThreadPoolExecutor(HOSTS) as pool:
        wrong = [
            line for lines in pool.map(differences, (names[start::HOSTS] for start in range(HOSTS))) for line in lines
        ]
    assert not wrong, "\n".join(wrong)


def differences(names: list[str]) -> list[str]:
    found: list[str] = []
    with Host() as host:
        host.sh("ip link set lo up; ip link add up0 type veth peer name up1; ip addr add 10.9.0.1/24 dev up0; "
                "ip link set up0 up; ip link set up1 up; ip -6 addr add fd00::1/64 dev up0 nodad")  # fmt: skip
        host.python(SERVERS)
        facts = host.call(surroundings, (8080, 9090))
        for name in names:
            host.sh(f"{reset()}\n{RULESETS[name]}")
            found.extend(f"{name}: {line}" for line in _under(host, facts))
    return found


def _under(host: Host, facts: Facts) -> list[str]:
    """Where what was seen under the host's ruleset is not what its evaluation says for certain."""
    with ThreadPoolExecutor(len(TARGETS)) as pool:
        seen = list(pool.map(lambda target: host.call(attempt, target, SHORT), TARGETS))
    ruleset = host.call(read, "ruleset")
    assert isinstance(ruleset, Ruleset)
    wrong = []
    for target, one in zip(TARGETS, seen, strict=True):
        paths = paths_under(ruleset, target, one, facts)
        transport = parse_target(target).transport
        wanted = foretold(paths, transport, served=_served(paths, target))
        saw = word(one)
        if wanted != saw == "timed-out" and wanted in ("good", "refused"):
            saw = word(host.call(attempt, target, LONG))  # a slow machine gets a second chance
        if wanted != saw and all(path.certain for path in paths):
            wrong.append(f"{target} was {saw}, foretold {wanted}")
    return wrong


def _served(paths: tuple[FilterPath, ...], target: str) -> bool:
    asked = parse_target(target)
    probe = paths[0].rewritten or paths[0].packet if paths else None
    if probe is None:
        return (str(asked.address), asked.port) in SERVED
    return not probe.unknown & {"destination_port"} and (probe.destination, probe.destination_port) in SERVED


@pytest.mark.needs("root", "nft")
def test_nothing_is_said_where_a_rule_hangs_on_chance(host: Host) -> None:
    host.sh("ip link set lo up; nft add table inet t; "
            "nft add chain inet t c '{ type filter hook input priority 0; }'; "
            "nft add rule inet t c tcp dport 8080 numgen random mod 100 '<' 50 drop")  # fmt: skip
    seen = host.call(attempt, "tcp://127.0.0.1:8080", SHORT)
    paths = paths_under(host.call(read, "ruleset"), "tcp://127.0.0.1:8080", seen, host.call(surroundings, (8080,)))
    assert paths[0].verdict == "accept"
    assert not paths[0].certain
    assert paths[0].steps[0].action == "drop"
    assert paths[0].steps[0].depends_on == "chance"
