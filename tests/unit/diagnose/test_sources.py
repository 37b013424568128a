"""Which source gave an address."""

from __future__ import annotations

from dataclasses import replace

from loopdiag.diagnose.sources import asked, families_at_hand, source_of
from loopdiag.model.names import HostsLine, NameFacts, Source

V4 = HostsLine(file="/etc/hosts", line=1, address="127.0.0.1", names=("localhost",), text="127.0.0.1 localhost")
V6 = replace(V4, line=2, address="::1", text="::1 localhost")
PLAIN = NameFacts(name="localhost", hosts=(V4, V6), services=("files", "dns"), services_line=7, servers=("10.0.0.53",))


def test_the_hosts_file_is_named_with_its_line() -> None:
    assert source_of("::1", PLAIN) == Source("files", "/etc/hosts", 2)


def test_a_line_for_ipv6_loopback_answers_for_ipv4() -> None:
    assert source_of("127.0.0.1", replace(PLAIN, hosts=(V6,))) == Source("files", "/etc/hosts", 2)


def test_a_mapped_address_answers_for_ipv4() -> None:
    mapped = replace(V6, address="::ffff:10.0.0.1")
    assert source_of("10.0.0.1", replace(PLAIN, hosts=(mapped,))) == Source("files", "/etc/hosts", 2)


def test_what_no_file_gives_came_from_dns() -> None:
    assert source_of("10.1.1.1", PLAIN) == Source("dns", server="10.0.0.53")


def test_either_of_two_name_servers() -> None:
    facts = replace(PLAIN, servers=("10.0.0.53", "10.0.0.54"))
    assert source_of("10.1.1.1", facts) == Source("dns", server="10.0.0.53 or 10.0.0.54")


def test_a_faulty_line_gives_nothing() -> None:
    facts = replace(PLAIN, hosts=(replace(V4, fault="it is commented out"),), services=("files",))
    assert source_of("127.0.0.1", facts) is None


def test_dns_first_may_have_given_it_too() -> None:
    facts = replace(PLAIN, services=("dns", "files"))
    assert source_of("127.0.0.1", facts) is None
    assert source_of("127.0.0.1", replace(facts, by_service={"dns": ()})) == Source("files", "/etc/hosts", 1)
    assert source_of("127.0.0.1", replace(facts, by_service={"dns": ("127.0.0.1",)})) == Source(
        "dns", server="10.0.0.53"
    )


def test_services_that_answer_for_other_names_are_left_out() -> None:
    services = ("mymachines", "mdns4_minimal", "[NOTFOUND=return]", "myhostname", "dns")
    facts = replace(PLAIN, name="db.test", hosts=(), services=services)
    assert asked(facts) == ["mymachines", "dns"]
    assert asked(replace(facts, name="printer.local")) == ["mymachines", "mdns4_minimal", "dns"]
    assert asked(replace(facts, name="app.localhost")) == ["mymachines", "myhostname", "dns"]


def test_families_that_the_file_answers() -> None:
    assert families_at_hand(PLAIN) == (4, 6)
    assert families_at_hand(replace(PLAIN, hosts=(V4,))) == (4,)
    assert families_at_hand(replace(PLAIN, hosts=(replace(V6, address="fd00::1"),))) == (6,)
