from __future__ import annotations

import pytest

from loopdiag.lab.scenario import Expect, parse_scenario
from loopdiag.model.errors import UsageError

GOOD = """
title = "a title"
section = "listeners"
about = "what people see"
steps = ["lo up", "at box serve 10.0.0.2:80 'body:two words'"]
ask = ["why", "localhost:80"]
[expect]
verdict = ["broken"]
cause = ["no-listener"]
exit = [1]
within = 2.5
"""


def test_a_scenario_is_read_whole() -> None:
    scenario = parse_scenario("one", GOOD)
    assert scenario.name == "one"
    assert scenario.ask == ("why", "localhost:80")
    assert [step.word for step in scenario.steps] == ["lo", "serve"]
    assert scenario.steps[1].at == "box"
    assert scenario.steps[1].words == ("10.0.0.2:80", "body:two words")
    assert str(scenario.steps[1]) == "at box serve 10.0.0.2:80 'body:two words'"
    assert scenario.expect == Expect(verdict=("broken",), cause=("no-listener",), exit=(1,), within=2.5)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title =", "titel =", "'titel' is no key of a scenario (did you mean 'title'?)"),
        ('"a title"', "3", "title must be a text"),
        ('"listeners"', '"listener"', "section 'listener' is none of names"),
        ('["why", "localhost:80"]', "[]", "ask is empty"),
        ('"lo up"', '"loo up"', "step 1: 'loo' is no word of the lab (did you mean 'lo'?)"),
        ('"lo up"', '"sysctl a.b"', "step 1: 'sysctl a.b' is too short; it is: sysctl NAME VALUE"),
        ('"lo up"', '"serve \'open"', "cannot be split into words"),
        ('"lo up"', '"at box hosts a b"', "'hosts' cannot be done at a neighbour"),
        ('"no-listener"', '"no-listner"', "'no-listner', which is none (did you mean 'no-listener'?)"),
        ('"broken"', '"brocken"', "(did you mean 'broken'?)"),
        ("exit = [1]", 'exit = ["1"]', "expect.exit must be a list of numbers"),
        ("within = 2.5", "within = true", "expect.within must be a number of seconds above 0"),
        ("within = 2.5", "withing = 2.5", "'expect.withing' is no key of a scenario (did you mean 'within'?)"),
        ("[expect]", "[expected]", "'expected' is no key"),
        ("[expect]", "[expect", "is not TOML"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError) as fault:
        parse_scenario("one", GOOD.replace(old, new))
    assert says in str(fault.value)
    assert str(fault.value).startswith("scenario one")
