"""The data file: complete, with sources, and mistakes in it are named."""

from __future__ import annotations

import pytest

from loopdiag.diagnose.clients import document, read_policies
from loopdiag.explain.clients.policy import Policy, is_of, parse_policies
from loopdiag.probes.client_programs import COMMANDS
from tests.host import PROJECT

POLICIES = read_policies()
WANTED = ("curl", "Chromium", "Firefox", "Node.js 16", "Node.js 17", "Node.js 20", "Python requests", "Python urllib",
          "Python httpx", "Go, pure", "Go, cgo", "Java", "Ruby", "PHP", "BusyBox", ".NET", "psql", "mysql")  # fmt: skip
NOT_RUN = {"Ruby 3.4"}  # rest on their sources alone
ONE = '[[client]]\nname = "x"\nversions = "1"\nsources = ["y"]\nfails = "f"\nunresolved = "u"\n'


@pytest.mark.parametrize("name", WANTED)
def test_the_clients_that_people_use_are_there(name: str) -> None:
    assert any(one.name.startswith(name) for one in POLICIES)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)
def test_every_row_has_its_sources(policy: Policy) -> None:
    assert policy.sources
    assert all(len(source) > 10 for source in policy.sources)
    assert policy.delay is not None or policy.connects not in ("racing", "alternating")


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)
def test_every_row_but_a_few_was_run(policy: Policy) -> None:
    assert bool(policy.ran) is (policy.name not in NOT_RUN)
    assert not policy.program or policy.program in COMMANDS


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)
def test_every_message_can_be_filled(policy: Policy) -> None:
    words = dict.fromkeys(
        ("host", "named", "asked", "port", "address", "endpoint", "errno", "number", "error", "lower", "word"), "1"
    )
    for template in (policy.fails, policy.fails_alone, policy.unresolved):
        assert "{" not in template.format(**words)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ONE + 'conects = "one"', "x: conects is no key"),
        (ONE + 'connects = "twice"', "x: connects must be one of"),
        (ONE + '[client.proxy]\nforms = ["hots"]', "x: hots is no form"),
        (ONE + '[client.proxy]\nschemeless = "no"', "x: schemeless must be one of"),
        (ONE + '[client.proxy]\nbreaks_on = ["[::2]"]', "is no form"),
        (ONE + '[client.proxy]\nhtpp = ["http_proxy"]', "x: proxy: htpp is no key"),
    ],
)
def test_a_mistake_is_named(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_policies(text)


def test_a_program_is_checked_by_the_policy_of_its_version() -> None:
    (policy,) = parse_policies(ONE + "since = [7, 85]\nbefore = [8, 3]")
    assert [is_of(policy, one) for one in ((7, 84), (7, 85, 1), (8, 2, 1), (8, 3), None)] == [
        False, True, True, False, False,
    ]  # fmt: skip
    assert is_of(parse_policies(ONE)[0], None)


def test_the_page_is_made_of_the_file() -> None:
    assert (PROJECT / "docs" / "clients.md").read_text(encoding="utf-8") == document(), "make docs"
