"""What keeps this process alone from it: programs of its cgroup, seccomp, Landlock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loopdiag.explain.filtering.cgroup import cgroup_denies
from loopdiag.explain.filtering.sandbox import sandbox_denies
from loopdiag.explain.filtering.verdicts import filter_drops
from loopdiag.model.counters import Counters
from loopdiag.model.echo import IcmpEcho
from loopdiag.model.finding import Certainty
from loopdiag.model.observation import Outcome, UdpExchange
from loopdiag.model.route import RouteAnswer
from loopdiag.model.unknown import Unknown
from tests.unit.explain.filtering.cases import DENIED, PROGRAM, REFUSED, SANDBOX, SILENT, case, paths
from tests.unit.explain.packetfilter.rulesets import DROP, chain, ruleset


def test_a_program_on_the_cgroup() -> None:
    found = next(cgroup_denies(case(DENIED, cgroup_programs=(PROGRAM,), sandbox=SANDBOX)))
    assert found.certainty is Certainty.PROVEN
    assert not list(cgroup_denies(case(DENIED, cgroup_programs=(replace(PROGRAM, attach_type="inet6_connect"),))))
    assert not list(cgroup_denies(case(SILENT, cgroup_programs=(PROGRAM,), sandbox=SANDBOX)))


def test_an_output_drop_explains_eperm_of_udp_better_than_a_program() -> None:
    denied = UdpExchange(address="127.0.0.1", port=80, outcome=Outcome.DENIED, errno="EPERM", failed_call="send")
    dropped = tuple(replace(path, of=denied.label) for path in paths(ruleset(chain([DROP], hook="output"))))
    one = case(denied, cgroup_programs=(replace(PROGRAM, attach_type="inet_egress"),), filter_paths=dropped)
    assert not list(cgroup_denies(one))
    assert list(filter_drops(one))


def test_seccomp_is_blamed_for_what_nothing_else_explains() -> None:
    confined = replace(SANDBOX, seccomp="filter", no_new_privileges=True)
    assert next(sandbox_denies(case(DENIED, sandbox=confined, cgroup_programs=()))).certainty is Certainty.PROVEN
    hidden = Unknown("BPF programs on cgroups", "needs CAP_BPF")
    assert next(sandbox_denies(case(DENIED, sandbox=confined, cgroup_programs=hidden))).certainty is Certainty.LIKELY
    assert not list(sandbox_denies(case(DENIED, sandbox=confined, cgroup_programs=(PROGRAM,))))
    assert not list(sandbox_denies(case(REFUSED, sandbox=confined, cgroup_programs=())))
    assert not list(sandbox_denies(case(DENIED, sandbox=SANDBOX, cgroup_programs=())))


NO_ICMP = IcmpEcho(
    address="127.0.0.1", outcome=Outcome.DENIED, errno="EACCES", failed_call="socket",
    refused_sockets=(("raw", "EPERM"), ("datagram", "EACCES")),
)  # fmt: skip
ABLE = replace(SANDBOX, seccomp="filter", capabilities=("CAP_NET_RAW",), user_namespace_owns_network=True)
FAMILY = (("socket(AF_INET, SOCK_STREAM)", "EPERM"), ("socket(AF_INET, SOCK_DGRAM)", "EPERM"))


def test_icmp_sockets_that_the_capabilities_permit() -> None:
    assert next(sandbox_denies(case(NO_ICMP, sandbox=ABLE))).certainty is Certainty.LIKELY
    assert next(sandbox_denies(case(NO_ICMP, sandbox=replace(ABLE, refused=FAMILY)))).certainty is Certainty.PROVEN
    unable = replace(ABLE, capabilities=())
    assert not list(sandbox_denies(case(NO_ICMP, sandbox=unable)))
    assert not list(sandbox_denies(case(NO_ICMP, sandbox=replace(unable, refused=FAMILY[:1]))))
    assert list(sandbox_denies(case(NO_ICMP, sandbox=replace(unable, refused=FAMILY))))


def test_a_program_that_refuses_new_sockets_refuses_icmp_too() -> None:
    creates = (replace(PROGRAM, attach_type="sock_create"),)
    assert list(cgroup_denies(case(NO_ICMP, cgroup_programs=creates, sandbox=ABLE)))
    assert not list(sandbox_denies(case(NO_ICMP, cgroup_programs=creates, sandbox=ABLE)))
    assert not list(cgroup_denies(case(NO_ICMP, cgroup_programs=creates, sandbox=SANDBOX)))


def test_landlock_was_tried() -> None:
    denied = replace(DENIED, errno="EACCES")
    assert list(sandbox_denies(case(denied, sandbox=replace(SANDBOX, landlock="denies connect"))))
    assert not list(sandbox_denies(case(denied, sandbox=replace(SANDBOX, landlock="denies bind"))))


@pytest.mark.parametrize(("errno", "certainty"), [
    ("ECONNREFUSED", Certainty.PROVEN), ("ETIMEDOUT", Certainty.PROVEN), ("ENETUNREACH", Certainty.LIKELY)
])  # fmt: skip
def test_an_errno_that_no_network_gave(errno: str, certainty: Certainty) -> None:
    filtered = replace(SANDBOX, seccomp="filter")
    route = RouteAnswer(question="", destination="127.0.0.1", type="local", device="lo")
    seen = replace(REFUSED, errno=errno, outcome=Outcome.REFUSED, local=None)
    nothing: dict[str, Any] = {
        "sandbox": filtered,
        "route": route,
        "cgroup_programs": (),
        "counters": Counters({}, {}, {}),
    }
    (found,) = sandbox_denies(case(seen, **nothing))
    assert found.certainty is certainty
    sent = {**nothing, "counters": Counters({}, {}, {"Tcp.ActiveOpens": 1})}
    assert not list(sandbox_denies(case(seen, **sent)))
    assert not list(sandbox_denies(case(seen, **{**nothing, "sandbox": SANDBOX})))
