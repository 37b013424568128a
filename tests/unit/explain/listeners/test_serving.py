"""Which listener an attempt meets: none of this host where the packets go elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.explain.listeners.serving import serving
from loopdiag.explain.success import why_it_works
from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.packetfilter import Chain, FilterPath, FilterStep
from loopdiag.model.route import RouteAnswer
from loopdiag.model.target import parse_target
from tests.unit.explain.listeners.hosts import PORT, connected, listener
from tests.unit.explain.listeners.test_refused import PACKET

if TYPE_CHECKING:
    from typing import Any

FAR = "192.0.2.9"


def asked(address: str, **facts: Any) -> Case:
    seen = connected(address)
    return Case("why", parse_target(f"{address}:{PORT}"), (seen,), Facts(listeners=(listener("0.0.0.0"),), **facts))


def served(case: Case) -> int:
    return len(serving(case, case.observations[0]))


def test_a_wildcard_serves_this_hosts_addresses_alone() -> None:
    route = RouteAnswer(destination=FAR, question="", type="unicast")
    assert served(asked(FAR, route=route)) == 0
    assert why_it_works(asked(FAR, route=route)) == f"{FAR}:{PORT} answers"
    assert served(asked(FAR, route=replace(route, type="local"))) == 1  # a prefix that is local by a route
    assert served(asked("127.0.0.1", route=route)) == 1


def test_past_a_nat_rule_the_listener_is_not_met() -> None:
    chain = Chain(tool="nft", family="ip", table="nat", name="output", rules=())
    step = FilterStep(action="dnat", rule=None, chain=chain, hook="output", detail="127.0.0.1:8080")
    path = FilterPath(packet=PACKET, verdict="accept", steps=(step,), certain=True, of="tcp-connect 127.0.0.1:80",
                      rewritten=replace(PACKET, destination_port=8080))  # fmt: skip
    assert served(asked("127.0.0.1", filter_paths=(path,))) == 0
    assert served(asked("127.0.0.1", filter_paths=(replace(path, steps=(replace(step, certain=False),)),))) == 1
