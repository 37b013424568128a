from __future__ import annotations

import json
from datetime import UTC, datetime

from loopdiag.model.facts import Facts
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.report import Report, Verdict
from loopdiag.model.socket import Socket
from loopdiag.model.target import parse_target
from loopdiag.model.unknown import Unknown
from loopdiag.report.formats import Layout, render

REPORT = Report(
    command="connect",
    started=datetime(2026, 11, 23, 1, 2, 3, 4, tzinfo=UTC),
    seconds=0.5,
    target=parse_target("localhost:3000"),
    verdict=Verdict.BROKEN,
    summary="it\x1b[2J refused",
    observations=(
        TcpConnect(address="::1", port=3000, outcome=Outcome.REFUSED, errno="ECONNREFUSED", local="[::1]:9"),
    ),
    facts=Facts(
        interfaces=Unknown("interfaces", "netlink was refused"),
        listeners=(Socket(protocol="tcp", state="LISTEN", address="::", port=3000, families=("ipv4", "ipv6")),),
    ),
    unknown=(Unknown("interfaces", "netlink was refused"),),
    extra={"statistics": {"loss": None}},
)


def test_the_envelope() -> None:
    document = json.loads(render(REPORT, "json", Layout()))
    assert list(document)[:8] == ["schema", "version", "command", "started", "seconds", "target", "verdict", "summary"]
    assert document["started"] == "2026-11-23T01:02:03.000004Z"
    assert document["target"]["host"] == "localhost"
    assert document["unknown"] == [{"what": "interfaces", "because": "netlink was refused"}]
    assert document["statistics"] == {"loss": None}


def test_an_observation_has_the_names_of_the_contract() -> None:
    seen = json.loads(render(REPORT, "json", Layout()))["observations"][0]
    assert seen["kind"] == "tcp-connect"
    assert seen["to"] == "[::1]:3000"
    assert seen["from"] == "[::1]:9"
    assert seen["outcome"] == "refused"


def test_a_listener_has_the_names_of_the_contract() -> None:
    listener = json.loads(render(REPORT, "json", Layout()))["facts"]["listeners"][0]
    assert {"protocol", "address", "port", "families", "process", "namespace", "reach"} <= listener.keys()


def test_what_is_not_known_is_null_and_what_was_not_needed_is_left_out() -> None:
    facts = json.loads(render(REPORT, "json", Layout()))["facts"]
    assert "routes" not in facts
    assert facts["interfaces"] is None


def test_nothing_that_came_from_outside_reaches_a_terminal_as_an_escape() -> None:
    assert "\x1b" not in render(REPORT, "json", Layout())
