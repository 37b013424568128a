"""What services say, asked over real sockets on loopback. The servers are the lab's own, each in a thread."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from loopdiag.lab.service import converse
from loopdiag.model.observation import Outcome
from loopdiag.model.service import Greeting, HttpExchange, TlsHandshake
from loopdiag.model.target import parse_target
from loopdiag.probes.service import probe_service

UNRECOGNIZED_NAME = 112  # RFC 6066, section 9

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from loopdiag.model.observation import Observation

    Serve = Callable[..., int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that behaves so; returns its port."""
    with ExitStack() as stack:

        def start(*modes: str, context: ssl.SSLContext | None = None) -> int:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            # A thread that sits in accept() would keep the port open after close().
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            threading.Thread(target=accept, args=(listener, modes, context), daemon=True).start()
            port: int = listener.getsockname()[1]
            return port

        yield start


def accept(listener: socket.socket, modes: tuple[str, ...], context: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=converse, args=(connection, modes, context), daemon=True).start()


def ask(url: str, port: int, timeout: float = 5.0) -> tuple[Observation, ...]:
    scheme, _, path = url.partition(":")
    return probe_service(parse_target(f"{scheme}://127.0.0.1:{port}{path}"), "127.0.0.1", port, timeout)


def exchange(seen: Observation) -> HttpExchange:
    assert isinstance(seen, HttpExchange)
    return seen


def test_an_answer_is_read_without_its_body(serve: Serve) -> None:
    (seen,) = ask("http:/health?full=1", serve("http", "header:Server=lab/1"))
    one = exchange(seen)
    assert (one.outcome, one.status, one.path) == (Outcome.REPLIED, 200, "/health?full=1")
    assert one.text is None


@pytest.mark.parametrize(("status", "outcome"), [(302, Outcome.REPLIED), (401, Outcome.REPLIED), (403, Outcome.DENIED),
                                                 (500, Outcome.FAILED)])  # fmt: skip
def test_the_outcome_of_a_status(serve: Serve, status: int, outcome: Outcome) -> None:
    assert exchange(ask("http:/", serve(f"http:{status}"))[0]).outcome is outcome


def test_the_text_of_an_error_comes_without_markup_and_control_characters(serve: Serve) -> None:
    reply = r"reply:HTTP/1.1 500 \x1b[31mOops\r\nContent-Type: text/html\r\n\r\n<p>no <b>data</b>base\x07</p>"
    one = exchange(ask("http:/", serve(reply))[0])
    assert one.reason == "[31mOops"
    assert one.text == "no data base"


def test_interim_answers_are_passed_over(serve: Serve) -> None:
    port = serve(r"reply:HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
    assert exchange(ask("http:/", port)[0]).status == 204


def test_another_host_header_is_tried_where_the_first_is_refused(serve: Serve) -> None:
    first, second = map(exchange, ask("http:/", serve("hosts:localhost")))
    assert (first.status, first.host.partition(":")[0]) == (403, "127.0.0.1")
    assert (second.status, second.host.partition(":")[0]) == (200, "localhost")


@pytest.mark.parametrize(
    ("mode", "outcome"), [("close", Outcome.CLOSED), ("reset", Outcome.RESET), ("hangup", Outcome.CLOSED)]
)
def test_an_end_without_a_word(serve: Serve, mode: str, outcome: Outcome) -> None:
    (seen,) = ask("http:/", serve(mode))
    assert seen.outcome is outcome
    assert exchange(seen).received == 0


def test_silence_is_waited_for_as_long_as_told(serve: Serve) -> None:
    (seen,) = ask("http:/", serve("silent"), 0.2)
    assert seen.outcome is Outcome.TIMED_OUT
    assert 0.15 < (seen.seconds or 0) < 1.5


def test_endless_data_is_left_after_the_first_of_it(serve: Serve) -> None:
    (seen,) = ask("http:/", serve("flood"))
    assert seen.outcome is Outcome.FAILED
    assert exchange(seen).received < 1 << 20


def test_a_bare_port_hears_a_greeting_or_nothing(serve: Serve) -> None:
    (seen,) = ask("tcp:", serve(r"banner:220 lab ESMTP\r\n"))
    assert isinstance(seen, Greeting)
    assert (seen.outcome, seen.text) == (Outcome.REPLIED, "220 lab ESMTP")
    assert ask("tcp:", serve("silent")) == ()


def test_redis_is_asked_whether_it_is_there(serve: Serve) -> None:
    (seen,) = ask("redis:", serve(r"reply:+PONG\r\n"))
    assert isinstance(seen, Greeting)
    assert (seen.sent, seen.text) == ("PING", "+PONG")


@pytest.fixture
def context(tmp_path: Path, request: pytest.FixtureRequest) -> ssl.SSLContext:
    """A server's TLS context; its own certificate is trusted where `request.param` is empty."""
    from loopdiag.lab.certificates import server_context

    return server_context(getattr(request, "param", "self-signed"), str(tmp_path / "ca.pem"))


@pytest.mark.needs("openssl")
def test_plaintext_to_a_tls_server(serve: Serve, context: ssl.SSLContext) -> None:
    plain, shaken = ask("http:/", serve("tls", context=context))
    assert exchange(plain).status is None
    assert isinstance(shaken, TlsHandshake)
    assert shaken.is_tls
    assert shaken.version


@pytest.mark.needs("openssl")
def test_tls_to_a_plaintext_server(serve: Serve) -> None:
    shaken, plain = ask("https:/", serve("http"))
    assert isinstance(shaken, TlsHandshake)
    assert not shaken.is_tls
    assert exchange(plain).status == 200


def test_a_client_hello_that_comes_back_is_no_tls(serve: Serve) -> None:
    shaken, *_ = ask("https:/", serve("echo"))
    assert isinstance(shaken, TlsHandshake)
    assert not shaken.is_tls


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("context", "reasons"),
    [("self-signed", ("self-signed",)), ("expired", ("self-signed", "expired")), ("unknown-ca", ("unknown-ca",)),
     ("early", ("self-signed", "not-yet-valid")), ("wrong-name", ("self-signed", "wrong-name"))],
    indirect=["context"],
)  # fmt: skip
def test_why_a_certificate_is_not_accepted(serve: Serve, context: ssl.SSLContext, reasons: tuple[str, ...]) -> None:
    (shaken,) = ask("https:/", serve("tls", context=context))
    assert isinstance(shaken, TlsHandshake)
    assert (shaken.outcome, shaken.verified, shaken.rejected) == (Outcome.FAILED, False, reasons)
    assert shaken.certificate is not None


@pytest.mark.needs("openssl")
def test_a_trusted_certificate(
    serve: Serve, context: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    shaken, answer = ask("https:/x", serve("tls", context=context))
    assert isinstance(shaken, TlsHandshake)
    assert (shaken.outcome, shaken.verified, shaken.rejected) == (Outcome.ACCEPTED, True, ())
    assert (exchange(answer).status, exchange(answer).secure) == (200, True)


@pytest.mark.needs("openssl")
def test_a_tls_target_is_asked_for_the_handshake_alone(
    serve: Serve, context: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = serve("tls", "silent", context=context)
    (rejected,) = ask("tls:", port)
    assert isinstance(rejected, TlsHandshake)
    assert (rejected.outcome, rejected.rejected) == (Outcome.FAILED, ("self-signed",))
    assert rejected.certificate is not None
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    (seen,) = ask("tls:", port)
    assert seen.outcome is Outcome.ACCEPTED


def test_a_greeting_is_no_handshake(serve: Serve) -> None:
    (seen,) = ask("tls:", serve(r"banner:220 lab ESMTP\r\n"))
    assert isinstance(seen, TlsHandshake)
    assert not seen.is_tls
    assert (seen.text or "").startswith("220 lab ESMTP")


@pytest.mark.parametrize(("reply", "outcome"), [
    (r"HTTP/1.1 200 OK\r\nContent-Le", Outcome.CLOSED),
    (r"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", Outcome.CLOSED),
    (r"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", Outcome.CLOSED),
    (r"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\n", Outcome.REPLIED),
    (r"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", Outcome.REPLIED),
    (r"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Outcome.REPLIED),
    (r"HTTP/1.0 200 OK\r\n\r\nabc", Outcome.REPLIED),
    (r"HTTP/1.0 200 OK\r\n", Outcome.REPLIED),
])  # fmt: skip
def test_whether_an_answer_comes_to_its_end(serve: Serve, reply: str, outcome: Outcome) -> None:
    assert exchange(ask("http:/", serve(f"reply:{reply}"))[0]).outcome is outcome


def test_headers_that_promise_a_body_and_no_more(serve: Serve) -> None:
    (seen,) = ask("http:/", serve(r"banner:HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "silent"), 0.2)
    assert (seen.outcome, exchange(seen).status) == (Outcome.TIMED_OUT, 200)


@pytest.mark.parametrize(("scheme", "words", "outcome"), [
    ("redis", r"-LOADING Redis is loading the dataset in memory\r\n", Outcome.FAILED),
    ("redis", r"-NOAUTH Authentication required.\r\n", Outcome.REPLIED),
    ("postgres", r"E\x00\x00\x00\x1aSFATAL\x00C57P03\x00Mstarting up\x00\x00", Outcome.FAILED),
    ("postgres", r"E\x00\x00\x00\x1aSFATAL\x00C28000\x00Mno role\x00\x00", Outcome.REPLIED),
    ("mysql", r"\x17\x00\x00\x00\xff\x10\x04Too many connections", Outcome.FAILED),
    ("tcp", r"421 Too many connections\r\n", Outcome.FAILED),
    ("tcp", r"Exceeded MaxStartups\r\n", Outcome.FAILED), ("tcp", r"* BYE too many\r\n", Outcome.FAILED),
    ("tcp", r"220 lab ESMTP\r\n", Outcome.REPLIED),
])  # fmt: skip
def test_a_greeting_that_declines(
    serve: Serve, scheme: str, words: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loopdiag.probes.service.LISTEN_FOR", 5.0)  # a busy machine is slow to greet
    assert ask(f"{scheme}:", serve(f"banner:{words}"))[0].outcome is outcome


def test_the_connection_that_was_made_is_spoken_on(serve: Serve) -> None:
    port = serve("http")
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setblocking(False)
    mine = connection.getsockname()[1]
    (seen,) = probe_service(parse_target(f"http://127.0.0.1:{port}/"), "127.0.0.1", port, 5.0, connection)
    assert seen.local == f"127.0.0.1:{mine}"
    assert exchange(seen).status == 200
    assert connection.fileno() == -1


@pytest.mark.needs("openssl")
def test_the_alert_for_a_server_name_that_is_not_served(serve: Serve, context: ssl.SSLContext) -> None:
    def known(_: object, name: str | None, __: object) -> int | None:
        return None if name == "localhost" else UNRECOGNIZED_NAME

    context.sni_callback = known
    refused, served = ask("https:/", serve("tls", context=context))
    assert isinstance(refused, TlsHandshake)
    assert isinstance(served, TlsHandshake)
    assert refused.alert == "unrecognized name"
    assert (served.server_name, bool(served.version)) == ("localhost", True)
