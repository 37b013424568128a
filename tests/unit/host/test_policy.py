"""The kernel's walk through the policy rules, done again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loopdiag.host.linux.policy import Flow, decide, longest_match, matches
from loopdiag.model.route import PolicyRule, Route

LOCAL = Route(destination="10.0.0.5/32", table="local", type="local")
DEFAULT = Route(destination="0.0.0.0/0", table="main", type="unicast")
TABLES = {"local": LOCAL, "main": DEFAULT}
FLOW = Flow(destination="10.0.0.5", source="10.0.0.5", user=1000, protocol="tcp", destination_port=80)


def rule(priority: int, action: str = "lookup", table: str | None = "main", **words: Any) -> PolicyRule:
    return PolicyRule(priority=priority, action=action, table=table, text=f"{priority}:", **words)


RULES = (rule(0, table="local"), rule(32766))


def test_the_first_table_with_a_route_decides() -> None:
    found = decide(RULES, FLOW, TABLES.get)
    assert found is not None
    assert (found.rule.priority, found.route) == (0, LOCAL)
    assert decide(RULES, replace(FLOW, destination="::1"), TABLES.get) is None


@pytest.mark.parametrize("action", ["prohibit", "unreachable", "blackhole"])
def test_a_rule_that_rejects_ends_it(action: str) -> None:
    found = decide((rule(0, action, None), *RULES), FLOW, TABLES.get)
    assert found is not None
    assert (found.rule.action, found.route) == (action, None)


def test_throw_nop_and_suppressed_routes_go_on() -> None:
    thrown = {**TABLES, "local": replace(LOCAL, type="throw")}
    found = decide((rule(0, "nop", None), *RULES), FLOW, thrown.get)
    assert found is not None
    assert found.rule.priority == 32766
    wg = (rule(10, suppress_prefix=0), rule(20, table="local"))
    suppressed = decide(wg, FLOW, TABLES.get)
    assert suppressed is not None
    assert suppressed.rule.priority == 20


@pytest.mark.parametrize("kind", ["blackhole", "unreachable", "prohibit"])
def test_a_route_that_rejects_is_not_suppressed(kind: str) -> None:
    rejecting = replace(DEFAULT, type=kind)
    found = decide((rule(10, suppress_prefix=0), rule(20, table="local")), FLOW, {**TABLES, "main": rejecting}.get)
    assert found is not None
    assert found.route == rejecting


def test_goto_skips_what_lies_between() -> None:
    goto = rule(0, "goto", None, goto=30)
    found = decide((goto, rule(10, table="local"), rule(30)), FLOW, TABLES.get)
    assert found is not None
    assert found.rule.priority == 30
    assert found.jump == goto


@pytest.mark.parametrize(
    ("words", "hit"),
    [
        ({"source": "10.0.0.0/8"}, True),
        ({"source": "10.0.1.0/24"}, False),
        ({"destination": "10.0.0.5/32"}, True),
        ({"destination": "10.0.0.6/32", "inverted": True}, True),
        ({"mark": 7}, False),
        ({"mark": 0, "mask": 0xFF}, True),
        ({"input_device": "lo"}, True),
        ({"input_device": "eth0"}, False),
        ({"output_device": "eth0"}, False),
        ({"users": (1000, 1000)}, True),
        ({"users": (0, 999)}, False),
        ({"protocol": "udp"}, False),
        ({"destination_ports": (80, 90)}, True),
        ({"destination_ports": (443, 443)}, False),
        ({"source_ports": (1, 65535)}, False),
        ({"l3mdev": True, "table": None}, False),
        ({"tos": 16}, False),
    ],
)
def test_selectors(words: dict[str, Any], hit: bool) -> None:
    assert matches(rule(5, **words), FLOW) is hit


def test_a_source_that_is_not_chosen_yet_meets_no_prefix() -> None:
    assert not matches(rule(5, source="0.0.0.0/1"), replace(FLOW, source=None))


def test_the_longest_prefix_then_the_lowest_metric() -> None:
    near = replace(DEFAULT, destination="10.0.0.0/24", metric=20)
    nearer = replace(near, metric=10)
    assert longest_match([DEFAULT, near, nearer], "10.0.0.9") is nearer
    assert longest_match([near], "192.0.2.1") is None
