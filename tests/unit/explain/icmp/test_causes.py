"""echo-ignored and icmp-not-permitted: one host that has the fault, and one thing about it changed at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.icmp.ignored import echo_ignored
from loopdiag.explain.icmp.permission import not_permitted
from loopdiag.model.case import Case
from loopdiag.model.counters import Counters
from loopdiag.model.echo import IcmpEcho
from loopdiag.model.facts import Facts
from loopdiag.model.finding import Certainty
from loopdiag.model.limits import Sandbox
from loopdiag.model.observation import Outcome
from loopdiag.model.route import RouteAnswer
from loopdiag.model.target import parse_host
from loopdiag.model.unknown import Unknown

SILENT = IcmpEcho(address="127.0.0.1", outcome=Outcome.TIMED_OUT, seconds=1.0, sequence=1, socket_type="raw")
ALL = "net.ipv4.icmp_echo_ignore_all"
GROUPS = "net.ipv4.icmp_echo_ignore_broadcasts"


def counters(requests: int, replies: int) -> Counters:
    return Counters({}, {}, {"Icmp.InEchos": requests, "Icmp.OutEchoReps": replies})


IGNORING = Facts(sysctls={ALL: "1", GROUPS: "1"}, counters=counters(1, 0))


def ignored(facts: Facts = IGNORING, *seen: IcmpEcho) -> list[tuple[str, Certainty]]:
    observations = seen or (SILENT,)
    case = Case("ping", parse_host(observations[0].address), observations, facts)
    return [(found.cause, found.certainty) for found in echo_ignored(case)]


def test_ignored_is_proven_by_the_counters() -> None:
    assert ignored() == [("echo-ignored", Certainty.PROVEN)]


def test_without_counters_it_is_likely() -> None:
    assert ignored(replace(IGNORING, counters=None)) == [("echo-ignored", Certainty.LIKELY)]
    assert ignored(replace(IGNORING, counters=Unknown("counters", "x"))) == [("echo-ignored", Certainty.LIKELY)]


@pytest.mark.parametrize(
    "facts",
    [
        replace(IGNORING, sysctls={ALL: "0", GROUPS: "1"}),
        replace(IGNORING, sysctls={}),
        replace(IGNORING, sysctls=None),
        replace(IGNORING, sysctls={ALL: Unknown(ALL, "x")}),
        replace(IGNORING, counters=counters(0, 0)),  # the request never came to ICMP: something else took it
        replace(IGNORING, counters=counters(1, 1)),
    ],
)
def test_not_ignored(facts: Facts) -> None:
    assert ignored(facts) == []


def test_an_answer_clears_it() -> None:
    assert ignored(IGNORING, SILENT, replace(SILENT, outcome=Outcome.REPLIED)) == []
    assert ignored(IGNORING, replace(SILENT, outcome=Outcome.REFUSED, errno="ECONNREFUSED")) == []


def test_another_hosts_silence_is_not_our_settings() -> None:
    assert ignored(IGNORING, replace(SILENT, address="192.0.2.1")) == []


def test_the_setting_of_the_other_ip_version_is_no_matter() -> None:
    six = replace(SILENT, address="::1")
    assert ignored(IGNORING, six) == []
    facts = Facts(sysctls={"net.ipv6.icmp.echo_ignore_all": "1"}, counters=Counters({}, {}, {"Icmp6.InEchos": 1}))
    assert ignored(facts, six) == [("echo-ignored", Certainty.PROVEN)]


def test_a_group() -> None:
    facts = replace(IGNORING, sysctls={ALL: "0", GROUPS: "1"})
    assert ignored(facts, replace(SILENT, address="224.0.0.1")) == [("echo-ignored", Certainty.PROVEN)]
    route = RouteAnswer(destination="127.255.255.255", question="", type="broadcast")
    facts = replace(facts, route=route)
    assert ignored(facts, replace(SILENT, address="127.255.255.255")) == [("echo-ignored", Certainty.PROVEN)]
    assert ignored(replace(facts, sysctls={GROUPS: "0"}), replace(SILENT, address="224.0.0.1")) == []


REFUSED = IcmpEcho(
    address="127.0.0.1", outcome=Outcome.DENIED, errno="EACCES", failed_call="socket",
    refused_sockets=(("raw", "EPERM"), ("datagram", "EACCES")), groups=(1000, 27),
)  # fmt: skip
PLAIN = Sandbox(seccomp="disabled", no_new_privileges=False, capabilities=())
RANGE = "net.ipv4.ping_group_range"


def permitted(seen: IcmpEcho = REFUSED, text: str | None = "1\t0", sandbox: Sandbox | None = PLAIN) -> list[str]:
    facts = Facts(sysctls=None if text is None else {RANGE: text}, sandbox=sandbox)
    case = Case("ping", parse_host("127.0.0.1"), (seen,), facts)
    return [f"{found.cause} {found.certainty.value}" for found in not_permitted(case)]


def test_not_permitted() -> None:
    assert permitted() == ["icmp-not-permitted proven"]
    assert permitted(text="0\t26") == ["icmp-not-permitted proven"]


def test_a_range_that_holds_one_of_the_groups_proves_nothing() -> None:
    assert permitted(text="0\t27") == ["icmp-not-permitted likely"]
    assert permitted(text=None) == ["icmp-not-permitted likely"]


def test_with_the_right_something_else_refuses() -> None:
    able = replace(PLAIN, capabilities=("CAP_NET_RAW",))
    assert permitted(sandbox=able) == ["icmp-not-permitted likely"]  # whose network this is was not told
    assert permitted(sandbox=replace(able, user_namespace_owns_network=True)) == []
    assert permitted(sandbox=replace(able, user_namespace_owns_network=False)) == ["icmp-not-permitted proven"]


def test_no_such_protocol_is_another_cause() -> None:
    six = replace(REFUSED, refused_sockets=(("raw", "EAFNOSUPPORT"), ("datagram", "EAFNOSUPPORT")))
    assert permitted(six) == []
    assert permitted(SILENT) == []
