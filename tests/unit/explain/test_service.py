"""What the rules make of a service's words: one healthy answer, and one thing changed at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from loopdiag.explain.engine import judge
from loopdiag.explain.success import why_it_works
from loopdiag.explain.verdict import verdict
from loopdiag.model.case import Case
from loopdiag.model.facts import Facts
from loopdiag.model.finding import Certainty
from loopdiag.model.interface import Interface, InterfaceAddress
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.process import Process
from loopdiag.model.report import Verdict
from loopdiag.model.service import BackendAttempt, Certificate, Greeting, HttpExchange, TlsHandshake
from loopdiag.model.socket import Socket
from loopdiag.model.space import Space
from loopdiag.model.target import parse_target

if TYPE_CHECKING:
    from loopdiag.model.finding import Finding
    from loopdiag.model.observation import Observation

AT = "127.0.0.1"
LISTENER = Socket(protocol="tcp", state="LISTEN", address=AT, port=8080, families=("ipv4",),
                  owners=(Process(pid=42, name="node"),))  # fmt: skip
CONNECTED = TcpConnect(address=AT, port=8080, outcome=Outcome.CONNECTED, local="127.0.0.1:50000")
SERVED = HttpExchange(address=AT, port=8080, outcome=Outcome.REPLIED, sent="GET /", host="127.0.0.1:8080", status=200,
                      received=100, first=b"HTTP/1.1 200 OK")  # fmt: skip
CUT = replace(SERVED, status=None, received=0, first=b"", outcome=Outcome.CLOSED)
SHAKEN = TlsHandshake(address=AT, port=8080, outcome=Outcome.ACCEPTED, server_name=AT, version="TLSv1.3", cipher="X",
                      verified=True, received=800, first=b"\x16\x03\x03\x00\x7a\x02")  # fmt: skip


def case(*seen: Observation, url: str = "http://127.0.0.1:8080/", **facts: object) -> Case:
    known = {"listeners": (LISTENER,), "sockets": (LISTENER,), **facts}
    return Case("why", parse_target(url), (CONNECTED, *seen), Facts(**known))  # type: ignore[arg-type]


def first(asked: Case) -> Finding:
    return judge(asked)[0]


def told(asked: Case) -> list[str]:
    return [one.cause for one in judge(asked)]


def said(asked: Case) -> Verdict:
    return verdict(asked, judge(asked))


def test_a_served_request_has_no_finding() -> None:
    assert told(case(SERVED)) == []
    assert said(case(SERVED)) is Verdict.WORKS


@pytest.mark.parametrize(
    ("status", "outcome", "verdict"),
    [(404, Outcome.REPLIED, Verdict.DEGRADED), (403, Outcome.DENIED, Verdict.BROKEN),
     (500, Outcome.FAILED, Verdict.BROKEN), (502, Outcome.FAILED, Verdict.BROKEN)],
)  # fmt: skip
def test_an_error_of_http(status: int, outcome: Outcome, verdict: Verdict) -> None:
    asked = case(replace(SERVED, status=status, outcome=outcome, reason="Words", text="of its own"))
    assert told(asked) == ["http-error"]
    assert said(asked) is verdict
    assert f"node (pid 42) on 127.0.0.1:8080 answers GET / with {status} Words" in first(asked).statement


def test_another_host_header_is_served() -> None:
    refused = replace(SERVED, status=403, outcome=Outcome.DENIED)
    asked = case(refused, replace(SERVED, host="localhost:8080"))
    assert told(asked) == ["host-header-rejected"]
    assert first(asked).certainty is Certainty.PROVEN
    assert said(asked) is Verdict.DEGRADED


def test_the_answer_says_that_the_host_is_not_wanted() -> None:
    refused = replace(SERVED, status=400, text="Invalid HTTP_HOST header. You may need to add 'x' to ALLOWED_HOSTS.")
    assert (first(case(refused)).cause, first(case(refused)).certainty) == ("host-header-rejected", Certainty.LIKELY)


@pytest.mark.parametrize(
    "met",
    [{}, {"outcome": Outcome.RESET}, {"first": b"\x15\x03\x03\x00\x02\x02\x46", "received": 7}],
)
def test_plaintext_to_tls(met: dict[str, object]) -> None:
    asked = case(replace(CUT, **met), replace(SHAKEN, verified=None))  # type: ignore[arg-type]
    assert told(asked) == ["tls-expected"]
    assert said(asked) is Verdict.BROKEN


def test_tls_to_plaintext() -> None:
    hello = replace(SHAKEN, outcome=Outcome.FAILED, version=None, verified=None, first=b"HTTP/1.1 400")
    asked = case(hello, SERVED, url="https://127.0.0.1:8080/")
    assert told(asked) == ["plaintext-expected"]
    assert first(asked).certainty is Certainty.PROVEN
    assert said(asked) is Verdict.BROKEN
    alone = case(hello, url="https://127.0.0.1:8080/")
    assert (first(alone).cause, first(alone).certainty) == ("plaintext-expected", Certainty.LIKELY)
    greets = case(replace(hello, first=b"220 lab", text="220 lab"), url="tls://127.0.0.1:8080")
    assert (first(greets).cause, first(greets).certainty) == ("plaintext-expected", Certainty.PROVEN)


def test_a_certificate_is_rejected_for_all_that_is_wrong_with_it() -> None:
    found = Certificate(subject="other", issuer="other", names=("other.test",), not_before="2020-01-01T00:00:00Z",
                        not_after="2021-01-01T00:00:00Z", self_signed=True)  # fmt: skip
    refused = replace(SHAKEN, outcome=Outcome.FAILED, version=None, verified=False, certificate=found,
                      rejected=("self-signed", "expired", "wrong-name"), detail="self-signed certificate")  # fmt: skip
    asked = case(refused, url="https://127.0.0.1:8080/")
    assert told(asked) == ["certificate-rejected"]
    for words in ("self-signed", "2021-01-01", "other.test, not for 127.0.0.1"):
        assert words in first(asked).statement


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [(Outcome.CLOSED, "closed-without-reply"), (Outcome.RESET, "reset-by-service"), (Outcome.TIMED_OUT, "no-reply")],
)
def test_an_end_without_a_word(outcome: Outcome, cause: str) -> None:
    asked = case(replace(CUT, outcome=outcome))
    assert told(asked) == [cause]
    assert said(asked) is Verdict.BROKEN


def test_a_reset_that_comes_before_a_word_is_said() -> None:
    reset = replace(CONNECTED, outcome=Outcome.RESET, errno="ECONNRESET")
    (found,) = judge(replace(case(), observations=(reset,)))
    assert (found.cause, found.certainty) == ("reset-by-service", Certainty.LIKELY)


def test_no_reply_is_not_told_of_a_connection_that_nobody_took() -> None:
    asked = case(replace(CUT, outcome=Outcome.TIMED_OUT), listeners=(replace(LISTENER, queue=1),))
    assert "no-reply" not in told(asked)


@pytest.mark.parametrize(
    "text",
    [
        "-DENIED Redis is running in protected mode because protected mode is enabled",
        'SFATAL C28000 Mno pg_hba.conf entry for host "10.0.0.5", user "app"',
        "Host '10.0.0.5' is not allowed to connect to this MySQL server",
        "554 5.7.1 Access denied from 10.0.0.5",
        "This console is only accessible from localhost",
        "Your IP address is not allowed",
        "Only local connections are accepted here",
        "admin interface: localhost-only",
        "10.0.0.5 is not on the allow list",
        "connections from 10.0.0.5 are refused",
    ],
)
def test_a_service_for_others(text: str) -> None:
    greeting = Greeting(address=AT, port=8080, outcome=Outcome.REPLIED, received=len(text), text=text)
    asked = case(greeting, url="tcp://127.0.0.1:8080")
    assert told(asked) == ["service-restricts-peers"]
    assert said(asked) is Verdict.BROKEN


@pytest.mark.parametrize(
    "text",
    [
        "220 mail.local ESMTP ready",
        "-NOAUTH Authentication required.",
        "+PONG",
        "SSH-2.0-x",
        "5.7.44-log mysql_native_password",
        "* OK [CAPABILITY IMAP4rev1] local ready",
        "220 authorized use only, from this host and others",
    ],
)
def test_a_greeting_is_no_refusal(text: str) -> None:
    greeting = Greeting(address=AT, port=8080, outcome=Outcome.REPLIED, received=len(text), text=text)
    assert told(case(greeting, url="tcp://127.0.0.1:8080")) == []


LOST = BackendAttempt(process="node", to="10.0.0.2:80", outcome="refused", says="SYN-SENT, then CLOSE")


def test_a_forwarder_that_was_seen_to_be_refused() -> None:
    asked = case(CUT, backends=(LOST,))
    assert told(asked) == ["port-proxy-backend"]
    assert first(asked).certainty is Certainty.PROVEN
    assert "10.0.0.2:80" in first(asked).statement


def test_who_listens_where_it_was_refused() -> None:
    listener = replace(LISTENER, address="127.0.0.1", port=80, owners=(Process(pid=9, name="app"),), namespace="box")
    link = Interface("eth0", 2, True, True, False, 1500, None, (InterfaceAddress("10.0.0.2", 24, "global"),))
    space = Space(name="box", path="/run/netns/box", pid=9, way_in="box", sockets=(listener,), interfaces=(link,))
    found = first(case(CUT, backends=(LOST,), behind=(space,)))
    assert (
        "in the network namespace box, which has 10.0.0.2, app (pid 9) listens on 127.0.0.1:80 only" in found.statement
    )
    assert found.fixes[0].say == "let app (pid 9) listen on 0.0.0.0 in there, or on 10.0.0.2 alone"
    found = first(case(CUT, backends=(LOST,), behind=(replace(space, sockets=()),)))
    assert "in the network namespace box, which has 10.0.0.2, nothing has port 80" in found.statement
    assert found.fixes[0].run == "loopdiag listeners --netns box"


def test_connections_of_another_process_are_not_its() -> None:
    assert told(case(CUT, backends=(replace(LOST, process="cron"),))) == ["closed-without-reply"]


def test_a_backend_that_was_reached_is_not_blamed() -> None:
    assert told(case(CUT, backends=(replace(LOST, outcome="connected"),))) == ["closed-without-reply"]


def test_a_known_forwarder_is_likely() -> None:
    proxy = replace(LISTENER, owners=(Process(pid=7, name="docker-proxy"),))
    asked = case(CUT, listeners=(proxy,))
    assert (first(asked).cause, first(asked).certainty) == ("port-proxy-backend", Certainty.LIKELY)


def test_a_web_server_that_opened_no_connection_ended_it_itself() -> None:
    server = replace(LISTENER, owners=(Process(pid=7, name="nginx"),))
    assert told(case(CUT, listeners=(server,))) == ["port-proxy-backend"]
    assert told(case(CUT, listeners=(server,), backends=())) == ["closed-without-reply"]
    gateway = replace(SERVED, status=502, outcome=Outcome.FAILED)  # it need not try what it knows to be dead
    assert first(case(gateway, listeners=(server,), backends=())).cause == "port-proxy-backend"


def test_the_airplay_receiver_is_known_by_its_name() -> None:
    asked = case(replace(SERVED, status=403, outcome=Outcome.DENIED, headers=(("server", "AirTunes/675.4.1"),)))
    assert told(asked) == ["port-taken-by-system"]


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [(Outcome.CLOSED, "closed-without-reply"), (Outcome.RESET, "reset-by-service"), (Outcome.TIMED_OUT, "no-reply")],
)
def test_an_answer_that_does_not_come_to_its_end(outcome: Outcome, cause: str) -> None:
    asked = case(replace(SERVED, outcome=outcome))
    assert told(asked) == [cause]
    assert "100 bytes" in first(asked).statement
    assert said(asked) is Verdict.BROKEN


def test_a_connection_that_is_closed_for_its_host_header() -> None:
    asked = case(CUT, replace(SERVED, host="localhost:8080"))
    assert told(asked) == ["host-header-rejected"]
    assert "answers 200 with Host localhost:8080" in first(asked).statement
    assert said(asked) is Verdict.DEGRADED


def test_a_server_name_that_is_not_served() -> None:
    refused = replace(SHAKEN, outcome=Outcome.FAILED, version=None, verified=None, alert="unrecognized name")
    served = replace(SHAKEN, server_name="localhost", verified=None)
    asked = case(refused, served, url="https://127.0.0.1:8080/")
    assert (told(asked), first(asked).certainty) == (["host-header-rejected"], Certainty.PROVEN)
    assert "and serves localhost" in first(asked).statement
    failure = replace(refused, alert="handshake failure")
    assert told(case(failure, url="https://127.0.0.1:8080/")) == []
    both = case(failure, served, url="https://127.0.0.1:8080/")
    assert (first(both).cause, first(both).certainty) == ("host-header-rejected", Certainty.LIKELY)


def test_a_certificate_with_a_common_name_alone() -> None:
    found = Certificate(subject="localhost", issuer="localhost", names=(), not_before=None, not_after=None,
                        self_signed=True)  # fmt: skip
    asked = case(replace(SHAKEN, certificate=found), SERVED, url="https://127.0.0.1:8080/")
    assert told(asked) == ["certificate-rejected"]
    assert said(asked) is Verdict.DEGRADED
    assert told(case(replace(SHAKEN, certificate=replace(found, names=(AT,))), SERVED)) == []


def test_a_tls_alert_to_plaintext_is_enough() -> None:
    asked = case(replace(SERVED, status=None, outcome=Outcome.FAILED, first=b"\x15\x03\x01\0\2\2\x16", received=7))
    assert (told(asked), first(asked).certainty) == (["tls-expected"], Certainty.PROVEN)


@pytest.mark.parametrize(("data", "says"), [
    (b"SSH-2.0-x\r\n", "speaks SSH"), (b"\0\0\x12\x04\0\0\0\0\0\0\3", "HTTP/2"), (b"\x01\x02\x03", "3 bytes that"),
])  # fmt: skip
def test_what_else_is_spoken_there(data: bytes, says: str) -> None:
    other = replace(SERVED, status=None, outcome=Outcome.FAILED, first=data, received=len(data), text=None)
    assert says in why_it_works(case(other))
