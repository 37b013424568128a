"""Predictions: one healthy dual-stack host, and one thing changed at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.explain.clients.addresses import TIMED_OUT, Lookup, NameAnswers, addresses_of
from loopdiag.explain.clients.policy import Policy, ProxyPolicy
from loopdiag.explain.clients.predict import Surroundings, predict
from loopdiag.model.client import Ending, Prediction
from loopdiag.model.observation import Outcome, TcpConnect

SIX, FOUR = "::1", "127.0.0.1"
NAMES = NameAnswers(
    host="localhost",
    lookups={Lookup(): (SIX, FOUR), Lookup(configured_only=True): (SIX, FOUR), Lookup(4): (FOUR,)},
    hosts_file=(FOUR, SIX),
)
CLIENT = Policy(
    name="client", versions="1", sources=("its source",), fails="{errno} {endpoint}", unresolved="no {host}: {word}",
)  # fmt: skip
RACING = replace(CLIENT, connects="racing", delay=0.3)
_ERRNO = {Outcome.REFUSED: "ECONNREFUSED", Outcome.CONNECTED: None, Outcome.TIMED_OUT: None}


def here(
    six: Outcome = Outcome.CONNECTED, four: Outcome = Outcome.CONNECTED, names: NameAnswers = NAMES
) -> Surroundings:
    seen = {
        address: TcpConnect(address=address, port=3000, outcome=outcome, errno=_ERRNO[outcome])
        for address, outcome in ((SIX, six), (FOUR, four))
    }
    return Surroundings(names=names, port=3000, seen=seen)


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
    assert addresses_of(policy, NameAnswers(host="localhost.example")) is None


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
    policy = replace(CLIENT, resolver="hosts-and-dns", order="rfc6724")
    assert addresses_of(policy, NAMES) == (SIX, FOUR)
    assert addresses_of(policy, replace(NAMES, ipv6_loopback=False)) == (FOUR, SIX)
    missing = replace(NAMES, hosts_file=(), dns_alone=False)  # another service answers getaddrinfo
    assert addresses_of(policy, missing) is None
    assert predict(policy, here(names=missing)).ending is Ending.UNKNOWN
    assert addresses_of(policy, replace(missing, dns_alone=True)) == (SIX, FOUR)


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
    row = predict(replace(CLIENT, unix_socket_for=("localhost",)), here())
    assert (row.ending, row.addresses) == (Ending.UNKNOWN, ())
