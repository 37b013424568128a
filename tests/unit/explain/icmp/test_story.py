"""The paragraph: it says what was counted, and no more."""

from __future__ import annotations

from dataclasses import replace

from loopdiag.explain.icmp.story import explanation, summary
from loopdiag.model.case import Case
from loopdiag.model.counters import Counters
from loopdiag.model.echo import IcmpEcho
from loopdiag.model.facts import Facts
from loopdiag.model.interface import Interface, InterfaceAddress
from loopdiag.model.observation import Outcome
from loopdiag.model.route import PolicyRule, RouteAnswer
from loopdiag.model.target import parse_host

LO = Interface("lo", 1, True, True, True, 65536, None, (InterfaceAddress("127.0.0.1", 8, "host"),))
ETH = Interface("eth0", 2, True, True, False, 1500, None, (InterfaceAddress("192.0.2.7", 24, "global"),))
RULE = PolicyRule(priority=0, action="lookup", table="local", text="0: from all lookup local")
ROUTE = RouteAnswer(destination="127.0.0.1", question="", rule=RULE, table="local", type="local", device="lo",
                    source="127.0.0.1", matched="127.0.0.0/8", through="lo")  # fmt: skip
GOOD = IcmpEcho(address="127.0.0.1", outcome=Outcome.REPLIED, seconds=31e-6, kernel_seconds=3e-6, sequence=1)


def counters(lo: int, eth: int = 0, **protocol: int) -> Counters:
    return Counters({"lo": lo, "eth0": eth}, {"lo": lo, "eth0": 0}, {f"Icmp.{name}": n for name, n in protocol.items()})


FACTS = Facts(route=ROUTE, interfaces=(LO, ETH), counters=counters(2))


def case(facts: Facts = FACTS, *seen: IcmpEcho) -> Case:
    return Case("ping", parse_host((seen or (GOOD,))[0].address), seen or (GOOD,), facts)


def test_loopback() -> None:
    text = explanation(case())
    assert "Rule 0 (from all lookup local) leads to table local (255)" in text
    assert "never leave this host" in text
    assert "counted on lo and on no other interface (lo +2, eth0 +0)" in text
    assert "took 3 µs" in text


def test_no_proof_is_claimed_without_counters() -> None:
    text = explanation(case(replace(FACTS, counters=None)))
    assert "counted" not in text
    assert "prove" not in text


def test_other_traffic_is_told() -> None:
    text = explanation(case(replace(FACTS, counters=counters(2, 5))))
    assert "other programs' packets included" in text
    assert "no other interface" not in text


def test_fewer_packets_on_lo_than_echoes_prove_nothing() -> None:
    text = explanation(case(replace(FACTS, counters=counters(0, 2))))
    assert "prove" not in text
    assert "counted meanwhile" in text


def test_an_own_address() -> None:
    own = replace(ROUTE, destination="192.0.2.7", matched="192.0.2.7/32", device="eth0")
    text = explanation(case(replace(FACTS, route=own), replace(GOOD, address="192.0.2.7")))
    assert "192.0.2.7 is this host's own" in text
    assert "The route names eth0, the interface that holds the address, yet packets to it take" in text


def test_a_socket_bound_to_a_device_that_does_not_lead_there() -> None:
    astray = replace(GOOD, outcome=Outcome.TIMED_OUT, device="eth0")
    assert "-I binds the socket to eth0" in explanation(case(FACTS, astray))
    assert summary(case(FACTS, astray)).startswith("127.0.0.1 does not answer through eth0: it is this host's own")
    assert "-I" not in explanation(case(FACTS, replace(astray, device="lo")))
    assert "-I" not in explanation(case(FACTS, replace(astray, address="192.0.2.7")))


def test_a_socket_bound_to_lo_is_not_given_the_replies_of_another_interface() -> None:
    own = replace(ROUTE, destination="192.0.2.7", matched="192.0.2.7/32", device="eth0")
    silent = replace(GOOD, address="192.0.2.7", outcome=Outcome.TIMED_OUT, device="lo")
    came = replace(FACTS, route=own, counters=counters(4, InEchos=1, OutEchoReps=1, InEchoReps=1))
    assert "the replies count as come through eth0" in summary(case(came, silent))
    for facts, seen in (
        (replace(came, counters=counters(2, InEchos=1)), silent),
        (came, replace(silent, device="eth0")),
        (came, replace(silent, address="127.0.0.1")),
    ):
        assert "count as" not in summary(case(facts, seen))


def test_how_far_requests_came() -> None:
    silent = replace(GOOD, outcome=Outcome.TIMED_OUT, kernel_seconds=None)
    lost = replace(FACTS, counters=counters(1))
    assert "counted no echo request as received" in explanation(case(lost, silent))
    ignored = replace(FACTS, counters=counters(1, InEchos=1))
    assert "counted 1 echo requests as received, and sent no reply" in explanation(case(ignored, silent))
    back = replace(FACTS, counters=counters(2, InEchos=1, OutEchoReps=1))
    assert "lost on their way back" in explanation(case(back, silent))


def test_summaries() -> None:
    silent = replace(GOOD, outcome=Outcome.TIMED_OUT)
    refused = replace(GOOD, outcome=Outcome.DENIED, errno="EPERM", failed_call="sendto")
    told = replace(GOOD, outcome=Outcome.UNREACHABLE, error="Destination Host Unreachable", error_from="192.0.2.1")
    assert summary(case()) == "127.0.0.1 answers"
    assert summary(case(FACTS, GOOD, GOOD)) == "127.0.0.1 answers every echo request"
    assert summary(case(FACTS, GOOD, silent)) == "127.0.0.1 answers 1 of 2 echo requests"
    assert summary(case(FACTS, silent)) == "127.0.0.1 does not answer"
    assert summary(case(FACTS, refused)) == "127.0.0.1 cannot be pinged: sendto() gave EPERM"
    assert summary(case(FACTS, told)) == "127.0.0.1 does not answer: 192.0.2.1 says Destination Host Unreachable"
