from __future__ import annotations

from importlib import import_module

from loopdiag.explain.causes import SECTIONS
from loopdiag.explain.rules import RULES
from loopdiag.explain.settle import EXPLAINS

CAUSES = {cause.name for section in SECTIONS.values() for cause in section}


def test_every_rule_is_where_the_list_says() -> None:
    for rule in RULES:
        module, _, function = rule.where.partition(":")
        assert callable(getattr(import_module(f"loopdiag.explain.{module}"), function)), rule.where


def test_rules_name_causes_of_the_contract_alone() -> None:
    assert {cause for rule in RULES for cause in rule.causes} == CAUSES


def test_conflicts_are_between_causes_of_the_contract() -> None:
    told = set(EXPLAINS) | {cause for causes in EXPLAINS.values() for cause in causes}
    assert told <= CAUSES


def test_no_two_causes_explain_each_other() -> None:
    for cause, explained in EXPLAINS.items():
        assert cause not in explained
        for other in explained:
            assert cause not in EXPLAINS.get(other, ()), f"{cause} and {other} explain each other"
