from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.explain.packetfilter.journey import Exchange, follow
from loopdiag.explain.packetfilter.place import World
from loopdiag.model.packetfilter import QueueReader
from tests.unit.explain.packetfilter.rulesets import (
    ACCEPT,
    DROP,
    SYN,
    SYN_ACK,
    chain,
    counter,
    dport,
    match,
    ruleset,
    words,
)

if TYPE_CHECKING:
    from loopdiag.model.packetfilter import FilterPath, Packet, Ruleset

WORLD = World(addresses=frozenset({"127.0.0.1", "10.0.0.1"}), devices={"lo": 1, "eth0": 2}, masquerade="10.0.0.1")
EXCHANGE = Exchange(of="tcp-connect 127.0.0.1:80", probe=SYN, answers=(SYN_ACK,))


def paths(rules: Ruleset, world: World = WORLD, probe: Packet = SYN) -> list[FilterPath]:
    return list(follow(rules, world, replace(EXCHANGE, probe=probe)))


def probe(rules: Ruleset, world: World = WORLD, packet: Packet = SYN) -> FilterPath:
    return paths(rules, world, packet)[0]


def test_no_rules_let_everything_pass() -> None:
    found = paths(ruleset())
    assert [path.verdict for path in found] == ["accept", "accept"]
    assert all(path.certain and not path.steps for path in found)


def test_the_rule_that_drops_is_named() -> None:
    found = probe(ruleset(chain([dport(22), ACCEPT], [dport(80), DROP])))
    assert found.verdict == "drop"
    assert found.certain
    assert found.steps[-1].rule is not None
    assert found.steps[-1].rule.position == 2


def test_a_rule_behind_an_accept_is_not_reached() -> None:
    assert probe(ruleset(chain([dport(80), ACCEPT], [DROP]))).verdict == "accept"


def test_an_accept_counts_for_its_own_chain_only() -> None:
    later = chain([DROP], name="later", priority=10)
    assert probe(ruleset(chain([ACCEPT]), later)).steps[-1].chain.name == "later"


def test_lower_priorities_come_first() -> None:
    early = chain([DROP], name="early", priority=-150)
    assert probe(ruleset(chain([DROP]), early)).steps[-1].chain.name == "early"


def test_a_policy_drops_what_no_rule_decided() -> None:
    found = probe(ruleset(chain([dport(22), ACCEPT], policy="drop")))
    assert found.verdict == "drop"
    assert found.steps[-1].rule is None


def test_a_chain_that_returns_goes_on_behind_the_jump() -> None:
    sub = chain([dport(80), {"return": None}], [DROP], name="sub", hook=None)
    rules = ruleset(sub, chain([{"jump": {"target": "sub"}}], [{"reject": None}]))
    assert probe(rules).verdict == "reject"


def test_goto_does_not_come_back() -> None:
    sub = chain([dport(22), DROP], name="sub", hook=None)
    assert probe(ruleset(sub, chain([{"goto": {"target": "sub"}}], [DROP]))).verdict == "accept"


def test_the_answer_has_its_own_way() -> None:
    sport = match({"payload": {"protocol": "tcp", "field": "sport"}}, 80)
    found = paths(ruleset(chain([sport, DROP], hook="output")))
    assert [path.verdict for path in found] == ["accept", "drop"]


def test_a_counter_of_nought_clears_the_rule() -> None:
    assert probe(ruleset(chain([dport(80), counter(0), DROP]))).verdict == "accept"
    assert probe(ruleset(chain([dport(80), counter(3), DROP]))).verdict == "drop"
    assert probe(ruleset(words("-p tcp --dport 80 -j DROP", packets=0))).verdict == "accept"


def test_chance_decides_nothing() -> None:
    chance = match({"numgen": {"mode": "random", "mod": 100, "offset": 0}}, 20, "<")
    found = probe(ruleset(chain([chance, DROP])))
    assert found.verdict == "accept"
    assert not found.certain
    assert (found.steps[0].action, found.steps[0].depends_on) == ("drop", "chance")


def test_what_cannot_match_is_not_made_uncertain_by_what_can_only_perhaps() -> None:
    chance = match({"numgen": {"mode": "random", "mod": 100, "offset": 0}}, 20, "<")
    assert probe(ruleset(chain([chance, dport(22), DROP]))).certain


def test_another_protocol_never_matches_not_equal() -> None:
    udp = replace(SYN, protocol="udp", tcp_flags=frozenset())
    assert probe(ruleset(chain([dport(22, "!="), DROP]))).verdict == "drop"
    assert probe(ruleset(chain([dport(22, "!="), DROP])), packet=udp).verdict == "accept"


def test_nat_changes_what_later_rules_see() -> None:
    nat = chain([dport(80), {"redirect": {"port": 8080}}], name="n", hook="output", priority=-100, kind="nat")
    found = probe(ruleset(nat, chain([dport(8080), DROP])))
    assert found.verdict == "drop"
    assert found.rewritten is not None
    assert found.rewritten.destination_port == 8080


def test_prerouting_nat_does_not_see_local_packets() -> None:
    nat = chain([{"redirect": {"port": 1}}], hook="prerouting", priority=-100, kind="nat")
    assert probe(ruleset(nat)).rewritten is None


def test_the_answer_is_changed_back() -> None:
    nat = chain([dport(80), {"redirect": {"port": 8080}}], name="n", hook="output", priority=-100, kind="nat")
    back = match({"payload": {"protocol": "tcp", "field": "sport"}}, 80)
    assert paths(ruleset(nat, chain([back, DROP])))[1].verdict == "drop"


def test_masquerade_without_an_address_drops() -> None:
    nat = chain([{"masquerade": None}], hook="postrouting", priority=100, kind="nat")
    assert probe(ruleset(nat)).rewritten is not None
    assert probe(ruleset(nat), replace(WORLD, masquerade="")).verdict == "drop"


def test_a_queue_is_read_or_not() -> None:
    rules = ruleset(chain([{"queue": {"num": 3}}]))
    assert probe(rules).verdict == "queue"
    assert probe(rules, replace(WORLD, queues=(QueueReader(number=3, waiting=0, dropped=0),))).verdict == "accept"
    assert probe(ruleset(chain([{"queue": {"num": 3, "flags": "bypass"}}]))).verdict == "accept"
    assert not probe(rules, replace(WORLD, queues=None)).certain


def test_a_reject_meets_its_own_answer() -> None:
    found = paths(ruleset(chain([{"reject": {"type": "tcp reset"}}])))
    assert [(path.verdict, path.packet.name) for path in found] == [("reject", "SYN"), ("reject", "RST of the reject")]


def test_sets_that_packets_fill_prove_nothing_of_the_first() -> None:
    seen = match({"payload": {"protocol": "ip", "field": "saddr"}}, "@seen")
    add = {"set": {"op": "add", "elem": {"payload": {"protocol": "ip", "field": "saddr"}}, "set": "@seen"}}
    sets = {("inet", "t", "seen"): {"elem": ["127.0.0.1"]}}
    assert not probe(ruleset(chain([seen, DROP], [add]), sets=sets)).certain
    assert probe(ruleset(chain([seen, DROP]), sets=sets)).verdict == "drop"


def test_garbage_in_a_rule_is_undecided_not_an_error() -> None:
    assert not probe(ruleset(chain([{"unheard of": {}}, {"match": {"left": {"what": 1}, "right": {}}}, DROP]))).certain
    assert not probe(ruleset(words("-m unheard --of 5 -j DROP"))).certain


def test_chains_that_call_each_other_end() -> None:
    jump = [{"jump": {"target": "a"}}]
    assert probe(ruleset(chain(jump, jump, name="a", hook=None), chain(jump))).verdict == "accept"
