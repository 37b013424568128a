"""Predictions: one healthy dual-stack host, and one thing changed at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.clients.addresses import TIMED_OUT, Lookup, NameAnswers, addresses_of, lookups_of
from loopdiag.explain.clients.policy import Policy, ProxyPolicy
from loopdiag.explain.clients.predict import Surroundings, predict
from loopdiag.model.client import Ending, Prediction
from loopdiag.model.observation import Outcome, TcpConnect

SIX, FOUR = "::1", "127.0.0.1"
NAMES = NameAnswers(
    host="localhost",
    lookups={Lookup(): (SIX, FOUR), Lookup(configured_only=True): (SIX, FOUR), Lookup(4): (FOUR,)},
    hosts_file=(FOUR, SIX),
    sources={FOUR: FOUR, SIX: SIX},
)
CLIENT = Policy(
    name="client", versions="1", sources=("its source",), fails="{errno} {endpoint}", unresolved="no {host}: {word}",
)  # fmt: skip
RACING = replace(CLIENT, connects="racing", delay=0.3)
_ERRNO = {Outcome.REFUSED: "ECONNREFUSED", Outcome.CONNECTED: None, Outcome.TIMED_OUT: None}


def here(
    six: Outcome = Outcome.CONNECTED, four: Outcome = Outcome.CONNECTED, names: NameAnswers = NAMES
) -> Surroundings:
    seen = {address: attempt(address, outcome) for address, outcome in ((SIX, six), (FOUR, four))}
    return Surroundings(names=names, port=3000, seen=seen)


def attempt(address: str, outcome: Outcome) -> TcpConnect:
    return TcpConnect(address=address, port=3000, outcome=outcome, errno=_ERRNO[outcome])


def summary(row: Prediction) -> tuple[Ending, str | None, float | None]:
    return row.ending, row.address, row.seconds


def test_the_first_address_answers() -> None:
    assert summary(predict(CLIENT, here())) == (Ending.REACHES, SIX, 0.0)


@pytest.mark.parametrize("policy", [CLIENT, RACING])
def test_a_refusal_costs_no_time(policy: Policy) -> None:
    assert summary(predict(policy, here(six=Outcome.REFUSED))) == (Ending.FALLS_BACK, FOUR, 0.0)


def test_a_client_that_takes_one_address_has_no_other() -> None:
    row = predict(replace(CLIENT, connects="one"), here(six=Outcome.REFUSED))
    assert (row.ending, row.says, row.addresses) == (Ending.FAILS, "ECONNREFUSED [::1]:3000", (SIX,))


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [(CLIENT, 127.0), (RACING, 0.3), (replace(CLIENT, connects="alternating", delay=0.25), 0.25)],
)
def test_silence_costs_what_the_client_waits(policy: Policy, seconds: float) -> None:
    assert summary(predict(policy, here(six=Outcome.TIMED_OUT))) == (Ending.FALLS_BACK, FOUR, seconds)


def test_silence_at_the_end_hangs() -> None:
    assert predict(RACING, here(Outcome.TIMED_OUT, Outcome.REFUSED)).ending is Ending.HANGS
    assert predict(CLIENT, here(Outcome.REFUSED, Outcome.TIMED_OUT)).ending is Ending.HANGS


def test_which_failure_is_reported() -> None:
    nothing = here(Outcome.REFUSED, Outcome.REFUSED)
    assert predict(CLIENT, nothing).says == "ECONNREFUSED 127.0.0.1:3000"
    assert predict(replace(RACING, reports="first"), nothing).says == "ECONNREFUSED [::1]:3000"


def test_hard_wired_names_are_not_looked_up() -> None:
    policy = replace(CLIENT, hardwired=("localhost", "*.localhost"), hardwired_to=(FOUR, SIX))
    for host in ("localhost", "app.localhost", "LOCALHOST"):
        assert addresses_of(policy, NameAnswers(host=host)) == (FOUR, SIX)
    for host in ("localhost.example", "localhost."):
        assert addresses_of(policy, NameAnswers(host=host)) is None


@pytest.mark.parametrize(("order", "first"), [("resolver", SIX), ("ipv4-first", FOUR), ("ipv6-first", SIX)])
def test_the_order_is_the_clients_own(order: str, first: str) -> None:
    found = addresses_of(replace(CLIENT, order=order), NAMES)
    assert found is not None
    assert found[0] == first


def test_ip_versions_in_turn() -> None:
    names = replace(NAMES, lookups={Lookup(): ("::2", "::3", "10.0.0.1")})
    assert addresses_of(replace(CLIENT, connects="alternating"), names) == ("::2", "10.0.0.1", "::3")


def test_a_host_without_ipv6_is_asked_for_ipv4_alone() -> None:
    policy = replace(CLIENT, ipv4_only_without="ipv6-loopback")
    assert addresses_of(policy, NAMES) == (SIX, FOUR)
    assert addresses_of(policy, replace(NAMES, ipv6_loopback=False)) == (FOUR,)


def test_a_resolver_of_its_own_reads_the_hosts_file() -> None:
    policy = replace(CLIENT, resolver="hosts-and-dns", order="musl")
    assert addresses_of(policy, NAMES) == (SIX, FOUR)
    assert addresses_of(policy, replace(NAMES, sources={FOUR: FOUR})) == (FOUR, SIX)
    missing = replace(NAMES, hosts_file=(), services=("files", "mdns4"))  # another service answers getaddrinfo
    assert addresses_of(policy, missing) is None
    assert predict(policy, here(names=missing)).ending is Ending.UNKNOWN
    assert addresses_of(policy, replace(missing, services=("files", "dns"))) == (SIX, FOUR)


@pytest.mark.parametrize(("nsswitch", "services", "found"), [
    ("ignored", ("dns",), (FOUR,)),
    ("ignored", ("files",), (FOUR,)),
    ("minded", ("files", "dns"), (FOUR,)),
    ("minded", ("dns",), (SIX, FOUR)),
    ("minded", ("dns", "files"), (SIX, FOUR)),
    ("minded", ("files", "mdns4"), (FOUR,)),
    ("or-getaddrinfo", ("files", "dns"), (FOUR,)),
    ("or-getaddrinfo", ("files", "mdns4", "dns"), (SIX, FOUR)),
])  # fmt: skip
def test_what_nsswitch_is_to_a_resolver_of_its_own(
    nsswitch: str, services: tuple[str, ...], found: tuple[str, ...]
) -> None:
    names = replace(NAMES, hosts_file=(FOUR,), services=services)
    assert addresses_of(replace(CLIENT, resolver="hosts-and-dns", nsswitch=nsswitch), names) == found


def test_a_name_without_a_line_where_dns_is_not_asked() -> None:
    policy = replace(CLIENT, resolver="hosts-and-dns")
    names = replace(NAMES, hosts_file=(), services=("files",), lookups={Lookup(): "EAI_NONAME"})
    assert addresses_of(policy, names) is None
    assert addresses_of(replace(policy, nsswitch="minded"), names) == "EAI_NONAME"


def test_an_ipv6_address_for_a_client_that_wants_ipv4_alone() -> None:
    policy = replace(CLIENT, ipv4_only_without="ipv6-loopback")
    names = NameAnswers(host=SIX, numeric=True)
    assert addresses_of(policy, names) == (SIX,)
    missing = here(names=replace(names, ipv6_loopback=False))
    assert predict(policy, missing).says == "no ::1: EAI_ADDRFAMILY"
    assert predict(replace(policy, fails_ipv6="not so"), missing).says == "not so"


def test_the_words_of_a_host_without_a_network() -> None:
    policy = replace(CLIENT, fails="{word}", words={"ECONNREFUSED": "here"}, words_offline={"ECONNREFUSED": "offline"})
    nothing = here(Outcome.REFUSED, Outcome.REFUSED)
    assert predict(policy, nothing).says == "here"
    assert predict(policy, replace(nothing, names=replace(NAMES, online=False))).says == "offline"


def test_an_error_of_which_each_says_something_else() -> None:
    row = predict(CLIENT, here(names=replace(NAMES, lookups={Lookup(): "EAI_SYSTEM"})))
    assert (row.ending, row.says) == (Ending.FAILS, "")


def test_a_name_in_other_letters() -> None:
    names = replace(NAMES, spelled_so=False)
    assert addresses_of(replace(CLIENT, resolver="hosts-and-dns", order="go"), names) == (SIX, FOUR)
    assert addresses_of(replace(CLIENT, resolver="hosts-and-dns", order="go", exact_case=True), names) is None


def test_one_of_each_ip_version_of_the_hosts_file() -> None:
    policy = replace(CLIENT, resolver="hosts-and-dns", one_of_each=True, order="ipv6-first")
    names = replace(NAMES, hosts_file=("127.0.0.2", FOUR, "fd00::1", SIX))
    assert addresses_of(policy, names) == ("fd00::1", "127.0.0.2")


@pytest.mark.parametrize(("found", "left"), [
    (("10.7.0.1", "fd00::7"), ("10.7.0.1",)), (("127.0.0.2", "fd00::7"), ("127.0.0.2", "fd00::7")),
    (("fd00::7",), ("fd00::7",)),
])  # fmt: skip
def test_without_a_way_to_the_ipv6_internet(found: tuple[str, ...], left: tuple[str, ...]) -> None:
    policy = replace(CLIENT, resolver="hosts-and-dns", ipv4_only_without="ipv6-route")
    assert addresses_of(policy, replace(NAMES, hosts_file=found)) == found
    assert addresses_of(policy, replace(NAMES, hosts_file=found, ipv6_route=False)) == left


def test_each_ip_version_asked_for_on_its_own() -> None:
    policy = replace(CLIENT, resolver="getaddrinfo-each")
    names = replace(NAMES, lookups={Lookup(6): (SIX,), Lookup(4): (FOUR, "10.7.0.1")})
    assert lookups_of(policy, names) == (Lookup(6), Lookup(4))
    assert addresses_of(policy, names) == (SIX, FOUR, "10.7.0.1")
    assert addresses_of(policy, replace(names, lookups={Lookup(6): "EAI_NODATA", Lookup(4): (FOUR,)})) == (FOUR,)
    assert addresses_of(policy, replace(names, lookups={Lookup(6): (SIX,), Lookup(4): "EAI_NODATA"})) == (SIX,)
    assert (
        addresses_of(policy, replace(names, lookups=dict.fromkeys((Lookup(6), Lookup(4)), "EAI_AGAIN"))) == "EAI_AGAIN"
    )


# Addresses by IP version, and whether each answers, refuses or is silent; which of them is reached, after how long.
@pytest.mark.parametrize(("listed", "ending", "reached", "seconds"), [
    ("4a 6s", Ending.REACHES, 0, 0.0),
    ("6s 4a", Ending.FALLS_BACK, 1, 0.25),  # by the second attempt, with IPv4 alone
    ("4s 6a", Ending.HANGS, None, None),  # which is silent too, and nothing comes after it
    ("6s 4r", Ending.FAILS, None, None),  # which fails, and the first is given up with it
    ("6s 6a", Ending.FAILS, None, None),  # which has no address at all
    ("6r 4a", Ending.FALLS_BACK, 1, 0.0),
    ("6r 6a 4a", Ending.FALLS_BACK, 2, 0.0),  # the next but one
    ("6r 4s 4a", Ending.FALLS_BACK, 2, 0.0),
    ("6r 6a 4r", Ending.FAILS, None, None),
    ("6s 4r 4a", Ending.FALLS_BACK, 2, 0.25),
    ("6s 4s 4a", Ending.HANGS, None, None),
    ("4r 4r 4r 4a", Ending.FALLS_BACK, 3, 0.0),  # where there is no next but one, the next
    ("4r 4a 4r 4a 4r", Ending.FAILS, None, None),
    ("6r 6r 6s 4a", Ending.FALLS_BACK, 3, 0.25),
])  # fmt: skip
def test_a_second_attempt_with_ipv4_alone(
    listed: str, ending: Ending, reached: int | None, seconds: float | None
) -> None:
    found = [f"fd00::{at}" if one[0] == "6" else f"10.7.0.{at}" for at, one in enumerate(listed.split())]
    outcomes = {"a": Outcome.CONNECTED, "r": Outcome.REFUSED, "s": Outcome.TIMED_OUT}
    seen = {address: attempt(address, outcomes[one[1]]) for address, one in zip(found, listed.split(), strict=True)}
    surroundings = replace(here(names=replace(NAMES, lookups={Lookup(): tuple(found)})), seen=seen)
    policy = replace(CLIENT, connects="racing-ipv4", delay=0.25)
    expected = (ending, None if reached is None else found[reached], seconds)
    assert summary(predict(policy, surroundings)) == expected


def test_a_second_attempt_for_an_address_is_one_with_the_same() -> None:
    names = replace(NAMES, host=SIX, numeric=True)
    policy = replace(CLIENT, connects="racing-ipv4", delay=0.25)
    assert predict(policy, here(Outcome.TIMED_OUT, names=names)).ending is Ending.HANGS


def test_a_client_with_patience_of_its_own() -> None:
    row = predict(replace(CLIENT, patience=5), here(six=Outcome.TIMED_OUT))
    assert (*summary(row), row.delay) == (Ending.FALLS_BACK, FOUR, 5.0, 5)


def test_the_words_of_a_failure() -> None:
    policy = replace(CLIENT, fails="{asked} {lower} {word}", errors={"ECONNREFUSED": "No"}, words={"ECONNREFUSED": "W"})
    nothing = here(Outcome.REFUSED, Outcome.REFUSED)
    assert predict(policy, nothing).says == "localhost:3000 no W"
    assert predict(replace(policy, errors={}), nothing).says == "localhost:3000 connection refused W"


def test_a_name_without_an_answer() -> None:
    missing = replace(NAMES, lookups={Lookup(): "EAI_NONAME"})
    assert predict(CLIENT, here(names=missing)).says == "no localhost: EAI_NONAME"
    assert predict(replace(CLIENT, words={"EAI_NONAME": "ENOTFOUND"}), here(names=missing)).says.endswith("ENOTFOUND")
    assert predict(replace(CLIENT, localhost_otherwise=FOUR), here(names=missing)).address == FOUR
    assert predict(CLIENT, here(names=replace(NAMES, lookups={Lookup(): TIMED_OUT}))).ending is Ending.HANGS


def test_a_proxy_gets_it_whatever_listens() -> None:
    policy = replace(CLIENT, proxy=ProxyPolicy(http=("http_proxy",)))
    set_up = replace(here(), environment={"http_proxy": "http://127.0.0.1:3128"})
    elsewhere = predict(policy, set_up)
    assert elsewhere.proxy is not None
    assert (elsewhere.ending, elsewhere.proxy.answers) == (Ending.PROXIED, None)
    assert predict(policy, replace(set_up, proxies={"127.0.0.1:3128": True})).ending is Ending.PROXIED
    assert predict(policy, replace(set_up, proxies={"127.0.0.1:3128": False})).ending is Ending.FAILS
    assert predict(CLIENT, set_up).ending is Ending.REACHES


def test_no_port_no_outcome() -> None:
    row = predict(CLIENT, replace(here(), port=None))
    assert (row.ending, row.addresses) == (Ending.UNKNOWN, (SIX, FOUR))


def test_ports_that_browsers_refuse() -> None:
    assert predict(replace(CLIENT, refuses_bad_ports="UNSAFE"), replace(here(), port=6000)).says == "UNSAFE"


def test_a_name_that_means_a_unix_socket() -> None:
    policy = replace(CLIENT, unix_socket_for=("localhost",))
    row = predict(policy, here())
    assert (row.ending, row.addresses) == (Ending.UNKNOWN, ())
    assert predict(policy, here(names=replace(NAMES, host="LocalHost"))).ending is Ending.REACHES
