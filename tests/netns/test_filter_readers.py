from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from loopdiag.host.read import read
from loopdiag.model.packetfilter import Ruleset

if TYPE_CHECKING:
    from tests.host import Host

WALL = "nft add table inet wall; nft add chain inet wall in '{ type filter hook input priority 0; }'; "


@pytest.mark.needs("root", "nft")
def test_a_host_without_rules_asks_no_program(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopdiag.host.linux.nft.list_ruleset", None)
    found = host.call(read, "ruleset")
    assert isinstance(found, Ruleset)
    assert (found.chains, found.unread) == ((), ())


@pytest.mark.needs("root", "nft")
def test_what_is_read_is_what_nft_lists(host: Host) -> None:
    host.sh(WALL + "nft add rule inet wall in tcp dport 80 counter drop; nft add rule inet wall in iif lo accept")
    listed = json.loads(host.sh("nft -j list ruleset"))["nftables"]
    handles = [part["rule"]["handle"] for part in listed if "rule" in part]
    found = host.call(read, "ruleset")
    assert isinstance(found, Ruleset)
    (chain,) = found.chains
    assert [rule.handle for rule in chain.rules] == handles
    assert [rule.text for rule in chain.rules] == ["tcp dport 80 counter drop", 'iif "lo" accept']


@pytest.mark.needs("root", "nft", "iptables-nft", "iptables-legacy")
def test_both_kinds_of_iptables(host: Host) -> None:
    host.sh("iptables-nft -A INPUT -p tcp -m multiport --dports 1,2 -j DROP; "
            "iptables-legacy -A INPUT -p tcp --dport 3 -j DROP")  # fmt: skip
    found = host.call(read, "ruleset")
    assert isinstance(found, Ruleset)
    rules = {rule.tool: rule for chain in found.chains for rule in chain.rules}
    assert "--dports" in rules["iptables-nft"].expressions
    assert rules["iptables-nft"].handle is not None
    assert "3" in rules["iptables-legacy"].expressions


@pytest.mark.needs("root", "nft")
@pytest.mark.parametrize("script", ["echo garbage", "exit 1", "echo '{}'", 'echo \'{"nftables": [{"chain": 5}]}\''])
def test_an_nft_that_is_broken_is_unknown(host: Host, script: str) -> None:
    host.sh("ip link set lo up; " + WALL)
    fake = host.folder / "nft"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    report = host.report("why", "127.0.0.1:9", env={"PATH": f"{host.folder}:/usr/sbin:/usr/bin:/sbin:/bin"})
    assert any("packet filter" in gap["what"] or "nftables" in gap["what"] for gap in report["unknown"]), report


@pytest.mark.needs("root", "nft", "setpriv")
def test_without_privilege_it_is_unknown_with_the_right_that_settles_it(host: Host) -> None:
    host.sh("ip link set lo up; " + WALL)
    report = host.report("why", "127.0.0.1:9", user="nobody")
    assert {"what": "packet filter rules", "because": "reading them needs CAP_NET_ADMIN"} in report["unknown"]


@pytest.mark.needs("root", "tc")
def test_disciplines_as_tc_lists_them(host: Host) -> None:
    host.sh("ip link set lo up; tc qdisc add dev lo root tbf rate 1mbit burst 5000 limit 9000")
    (found,) = host.call(read, "qdiscs")
    listed = json.loads(host.sh("tc -s -j qdisc show dev lo"))[0]
    assert (found.kind, found.handle) == (listed["kind"], listed["handle"])
    assert found.rate == listed["options"]["rate"]
    assert abs(found.burst - listed["options"]["burst"]) < 10
