"""Names that no source knows, AI_ADDRCONFIG, and the host's own name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.names.configured import address_config_filter
from loopdiag.explain.names.own_name import hostname_is_loopback
from loopdiag.explain.names.unresolvable import name_unresolvable
from loopdiag.model.bind import Bind
from loopdiag.model.case import Case
from loopdiag.model.finding import Certainty, Finding, Fix, Severity
from loopdiag.model.names import NameFacts, NameServer
from loopdiag.model.observation import Outcome
from loopdiag.model.target import parse_host
from tests.unit.explain.names.cases import LISTENER, LO, NAMES, OUTER, V4, V6, asking, connected, refused, resolving

UNKNOWN_NAME = replace(NAMES, name="db.test", hosts=(), errno="EAI_NONAME", configured_only=None)
OWN_LINE = replace(V4, line=5, address="127.0.1.1", names=("alpha.test", "alpha"), text="127.0.1.1 alpha.test alpha")
OWN = replace(NAMES, name="alpha", hosts=(OWN_LINE,), host_name_lines=(OWN_LINE,))


@pytest.mark.parametrize("rule", [name_unresolvable, address_config_filter, hostname_is_loopback])
def test_a_healthy_host(rule) -> None:  # type: ignore[no-untyped-def]
    assert list(rule(resolving(interfaces=(LO, OUTER)))) == []


@pytest.mark.parametrize(
    ("errno", "certainty", "says"),
    [
        ("EAI_NONAME", Certainty.PROVEN, "none of the sources asked (files dns) knows it"),
        ("EAI_AGAIN", Certainty.PROVEN, "name server 10.0.0.53 gave no answer"),
        ("timed-out", Certainty.LIKELY, "no answer came within"),
    ],
)
def test_why_a_name_has_no_address(errno: str, certainty: Certainty, says: str) -> None:
    (found,) = name_unresolvable(resolving(replace(UNKNOWN_NAME, errno=errno), ()))
    assert (found.certainty, found.subject) == (certainty, "db.test")
    assert says in found.statement


HERE = replace(UNKNOWN_NAME, errno="EAI_AGAIN", servers=("127.0.0.53",))
DOWN = Finding(
    cause="loopback-down",
    subject="lo",
    statement="the loopback interface lo is down",
    evidence=(),
    fixes=(Fix("bring lo up", "ip link set lo up"),),
)
SILENT = NameServer("127.0.0.53", "broken", "lo is down", (DOWN,))


def test_what_cuts_off_the_name_server_on_this_host_is_the_cause() -> None:
    (found,) = name_unresolvable(resolving(replace(HERE, own_servers=(SILENT,)), ()))
    assert (found.cause, found.subject, found.fixes) == ("loopback-down", "lo", DOWN.fixes)
    assert "db.test has no address" in found.statement
    assert "127.0.0.53 cannot be asked: the loopback interface lo is down" in found.statement


@pytest.mark.parametrize(
    "names",
    [
        replace(HERE, servers=("127.0.0.53", "10.0.0.53"), own_servers=(SILENT,)),
        replace(HERE, servers=("127.0.0.53", "::1"), own_servers=(SILENT, NameServer("::1", "works", "it answers"))),
        replace(HERE, own_servers=(replace(SILENT, findings=(replace(DOWN, severity=Severity.WARNING),)),)),
        replace(HERE, own_servers=(replace(SILENT, findings=(replace(DOWN, cause="no-listener"),)),)),
    ],
    ids=["another could have answered", "another answers", "no error", "it does not run"],
)
def test_else_it_is_told_beside_the_name(names: NameFacts) -> None:
    (found,) = name_unresolvable(resolving(names, ()))
    assert found.cause == "name-unresolvable"
    assert found.statement.endswith("gave no answer (EAI_AGAIN); lo is down")


def test_a_name_server_on_this_host_that_answers_other_questions() -> None:
    names = replace(HERE, own_servers=(NameServer("127.0.0.53", "works", "it answers"),))
    (found,) = name_unresolvable(resolving(names, ()))
    assert found.statement.endswith("gave no answer (EAI_AGAIN)")
    assert any("127.0.0.53" in one.source and one.says == "it answers" for one in found.evidence)


def test_a_name_of_the_other_family() -> None:
    names = replace(UNKNOWN_NAME, hosts=(replace(V4, names=("db.test",)),), family="ipv6")
    (found,) = name_unresolvable(resolving(names, ()))
    assert "no IPv6 address" in found.statement
    assert "gives 127.0.0.1 alone" in found.statement


def test_an_action_that_keeps_the_next_source_from_being_asked() -> None:
    names = replace(UNKNOWN_NAME, services=("files", "[UNAVAIL=continue NOTFOUND=return]", "dns", "myhostname"))
    (found,) = name_unresolvable(resolving(names, ()))
    assert "so dns and myhostname are not asked" in found.statement


def test_all_is_hidden() -> None:
    (found,) = address_config_filter(resolving(replace(NAMES, configured_only="EAI_NONAME")))
    assert found.severity is Severity.ERROR


def test_all_is_hidden_where_one_family_was_asked_for() -> None:
    names = replace(NAMES, family="ipv6", configured_only="EAI_NONAME")
    assert [one.severity for one in address_config_filter(resolving(names, ("::1",)))] == [Severity.ERROR]
    assert list(address_config_filter(asking(connected("::1"), names=names, given=("::1",)))) == []


@pytest.mark.parametrize(
    "names",
    [
        replace(NAMES, configured_only=("127.0.0.1",)),
        replace(NAMES, configured_by_family={"ipv4": "EAI_NONAME", "ipv6": "EAI_NONAME"}),
    ],
)
def test_part_is_hidden(names) -> None:  # type: ignore[no-untyped-def]
    (found,) = address_config_filter(resolving(names))
    assert found.severity is Severity.NOTE


def test_a_question_that_was_not_answered_in_time_proves_nothing() -> None:
    assert list(address_config_filter(resolving(replace(NAMES, configured_only="timed-out")))) == []


def test_debian_names_its_host_so() -> None:
    (found,) = hostname_is_loopback(resolving(OWN, ("127.0.1.1",), interfaces=(LO, OUTER)))
    assert found.severity is Severity.NOTE
    assert list(hostname_is_loopback(resolving(OWN, ("127.0.1.1",), interfaces=(LO,)))) == []


def test_the_server_is_on_the_outer_address() -> None:
    outer = replace(LISTENER, address="10.1.0.2")
    case = asking(refused("127.0.1.1"), names=OWN, given=("127.0.1.1",), interfaces=(LO, OUTER), listeners=(outer,))
    (found,) = hostname_is_loopback(case)
    assert (found.severity, found.certainty) == (Severity.ERROR, Certainty.PROVEN)


@pytest.mark.parametrize(("line", "severity"), [(OWN_LINE, Severity.ERROR), (V4, Severity.NOTE)])
def test_the_server_is_where_the_name_leads(line, severity: Severity) -> None:  # type: ignore[no-untyped-def]
    listener = replace(LISTENER, address=line.address)
    names = replace(OWN, host_name_lines=(line,))
    case = asking(
        refused("10.1.0.2"), names=names, given=("10.1.0.2",), target="10.1.0.2:3000", interfaces=(LO, OUTER),
        listeners=(listener,),
    )  # fmt: skip
    (found,) = hostname_is_loopback(case)
    assert found.severity is severity


def test_binding_to_the_name() -> None:
    bound = Bind(address="127.0.1.1", port=3000, outcome=Outcome.BOUND)
    case = resolving(OWN, ("127.0.1.1",), interfaces=(LO, OUTER))
    (found,) = hostname_is_loopback(Case("bind-test", parse_host("alpha", 3000, "tcp"), (bound,), case.facts))
    assert found.severity is Severity.ERROR
    assert "10.1.0.2" in found.statement


def test_a_name_with_an_outer_address_too_is_left_in_peace() -> None:
    assert list(hostname_is_loopback(resolving(OWN, ("127.0.1.1", "10.1.0.2"), interfaces=(LO, OUTER)))) == []


def test_ipv6_lines_count_too() -> None:
    line = replace(V6, names=("alpha",))
    names = replace(OWN, hosts=(line,), host_name_lines=(line,))
    (found,) = hostname_is_loopback(resolving(names, ("::1",), interfaces=(LO, OUTER)))
    assert found.severity is Severity.NOTE


def test_what_is_left_is_not_served() -> None:
    """A name that is ::1 alone: for IPv4, glibc makes 127.0.0.1 of it, where this server is not."""
    names = replace(NAMES, hosts=(V6,), configured_only=("127.0.0.1",))
    server = replace(LISTENER, address="::1", families=("ipv6",))
    (found,) = address_config_filter(asking(connected("::1"), names=names, given=("::1",), listeners=(server,)))
    assert found.severity is Severity.WARNING
    wildcard = replace(server, address="::", families=("ipv4", "ipv6"))
    assert (
        list(address_config_filter(asking(connected("::1"), names=names, given=("::1",), listeners=(wildcard,)))) == []
    )
