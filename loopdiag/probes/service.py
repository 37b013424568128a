"""What the service itself says, in the language that the target asks for. Nothing is sent that could change state."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.model.observation import Outcome
from loopdiag.model.service import Greeting, is_tls_answer
from loopdiag.probes.http import ask_http, exchange, host_header
from loopdiag.probes.refusals import declines
from loopdiag.probes.stream import EndedError, Stream, readable
from loopdiag.probes.tls import look_at_tls, look_closer, shake_hands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.observation import Observation
    from loopdiag.model.service import HttpExchange
    from loopdiag.model.target import Target

PATIENCE = 1.5  # seconds for an answer
LISTEN_FOR = 0.06  # seconds in which a service that closes at once, or greets first, has done so
GREETS = 0.5  # seconds for one whose protocol lets the server speak first
AFTER_SILENCE = 0.4  # seconds for another language, where the first got no answer at all
WEB = ("http", "ws")
SECURE_WEB = ("https", "wss")
SECURE = ("tls",)
SPEAKS_FIRST = ("mysql",)
# Asked whether it is there, without logging in: redis.io/commands/ping; PostgreSQL's StartupMessage, protocol 3.0.
_POSTGRES_BODY = b"\0\x03\0\0user\0postgres\0database\0postgres\0application_name\0loopdiag\0\0"
QUESTIONS = {
    "redis": ("PING", b"PING\r\n"),
    "postgres": ("StartupMessage", (len(_POSTGRES_BODY) + 4).to_bytes(4, "big") + _POSTGRES_BODY),
}
QUESTIONS["postgresql"] = QUESTIONS["postgres"]
_MAY_BE_THE_HOST = (400, 403, 404, 421, 503)  # what servers say to a Host that they do not serve
_MOST_HOSTS = 5
# What TLS servers say to a server name that they do not have, or to none: nginx, Go, haproxy.
_MAY_BE_THE_NAME = ("unrecognized name", "handshake failure", "internal error")


def probe_service(
    target: Target, address: str, port: int, timeout: float = PATIENCE, connection: socket.socket | None = None
) -> tuple[Observation, ...]:
    """Ask the service at this address what the target asks for; `timeout` is in seconds for each answer.

    `address` is a path where the target is a UNIX socket. `connection` is one that was made already, and is closed
    when this returns: a server that serves one client alone must not be left for a second one. What goes wrong is data.
    Nothing is returned where a service waits in silence for its client to speak, which is healthy.
    """
    if target.scheme in WEB:
        return tuple(_web(target, address, port, timeout, connection))
    if target.scheme in SECURE_WEB:
        return tuple(_secure_web(target, address, port, timeout, connection))
    if target.scheme in SECURE:
        return (_secure(target, address, port, timeout, connection),)
    where = None if target.transport == "unix" else port
    return tuple(_plain(target.scheme, address, where, timeout, connection))


def _web(
    target: Target, address: str, port: int, timeout: float, connection: socket.socket | None
) -> Iterator[Observation]:
    host = host_header(target, port)
    seen = ask_http(target, address, port, host, timeout, connection)
    wants_tls = _says_tls(seen)
    yield replace(seen, outcome=Outcome.FAILED) if wants_tls else seen
    if wants_tls or (seen.status is None and seen.outcome is not Outcome.TIMED_OUT):
        looked = look_at_tls(address, port, _server_name(target), timeout)
        if looked.is_tls:
            yield looked
        elif seen.outcome in (Outcome.CLOSED, Outcome.RESET):
            yield from _other_hosts(target, address, port, seen, min(timeout, AFTER_SILENCE))
    elif seen.status in _MAY_BE_THE_HOST:
        yield from _other_hosts(target, address, port, seen, timeout)


def _says_tls(seen: HttpExchange) -> bool:
    """A TLS server's answer to plaintext, as nginx, Apache, Go and Tomcat word it."""
    text = (seen.text or "").lower()
    wants = ("https port", "https server", "ssl-enabled server port", "requires tls", "https scheme")
    return seen.status == 400 and any(words in text for words in wants)


def _other_hosts(target: Target, address: str, port: int, seen: HttpExchange, timeout: float) -> Iterator[Observation]:
    """The same request with other Host headers, until one is served; what did not help either is not told."""
    for host in list(_hosts(address, port, seen.host))[:_MOST_HOSTS]:
        other = ask_http(target, address, port, host, timeout)
        if other.status is not None and other.status < 400:
            yield other
            return
        if other.outcome is Outcome.TIMED_OUT:
            return


def _hosts(address: str, port: int, used: str) -> Iterator[str]:
    own = address.partition("%")[0]
    literal = f"[{own}]" if ":" in own else own
    names = dict.fromkeys(("localhost", literal, "127.0.0.1", socket.gethostname()))
    forms = [f"{name}:{port}" for name in names if name] + list(names)
    yield from (form for form in forms if form and form != used and form != f"{used}:{port}")


def _secure_web(
    target: Target, address: str, port: int, timeout: float, connection: socket.socket | None
) -> Iterator[Observation]:
    name, host = _server_name(target), host_header(target, port)
    with Stream(address, port, timeout, connection) as stream:
        shaken, secure = shake_hands(stream, name, verify=True)
        answer = exchange(target, stream, secure, host) if secure else None
        if secure and secure.alert:
            shaken, answer = replace(shaken, outcome=Outcome.FAILED, alert=secure.alert), None
    if shaken.rejected:
        shaken = look_closer(shaken, timeout)
    yield shaken
    if shaken.alert in _MAY_BE_THE_NAME:
        yield from _other_names(address, port, name, timeout)
    if answer:
        yield answer
    elif not shaken.is_tls:
        left = min(timeout, AFTER_SILENCE) if shaken.outcome is Outcome.TIMED_OUT else timeout
        plain = ask_http(target, address, port, host, left)
        if plain.status is not None:
            yield plain


def _secure(target: Target, address: str, port: int, timeout: float, connection: socket.socket | None) -> Observation:
    """The handshake and nothing within it; TLS 1.3 refuses a client without certificate only after it."""
    with Stream(address, port, timeout, connection) as stream:
        shaken, secure = shake_hands(stream, _server_name(target), verify=True, alpn=())
        if secure:
            with contextlib.suppress(EndedError):
                secure.receive(LISTEN_FOR)
            if secure.alert:
                return replace(shaken, outcome=Outcome.FAILED, alert=secure.alert)
    return look_closer(shaken, timeout, alpn=()) if shaken.rejected else shaken


def _other_names(address: str, port: int, used: str, timeout: float) -> Iterator[Observation]:
    """The handshake with other server names (RFC 6066, SNI), until one comes about."""
    for name in dict.fromkeys(("localhost", socket.gethostname())):
        if name and name != used:
            looked = look_at_tls(address, port, name, timeout)
            if looked.version:
                yield looked
                return


def _server_name(target: Target) -> str:
    return (target.host or "localhost").partition("%")[0]


def _plain(
    scheme: str, address: str, port: int | None, timeout: float, connection: socket.socket | None
) -> Iterator[Observation]:
    name, question = QUESTIONS.get(scheme, ("", b""))
    patience = timeout if question else GREETS if scheme in SPEAKS_FIRST else LISTEN_FOR
    with Stream(address, port, min(timeout, patience), connection) as stream:
        seen = _listen(stream, name, question, scheme)
    if seen.outcome is Outcome.TIMED_OUT and not question and scheme not in SPEAKS_FIRST:
        return
    yield seen
    silent = seen.outcome is Outcome.TIMED_OUT
    if question and (is_tls_answer(seen.first) or not (seen.received or silent)):
        looked = look_at_tls(address, port, "localhost", timeout)
        if looked.is_tls:
            yield looked


def _listen(stream: Stream, name: str, question: bytes, scheme: str) -> Greeting:
    """Say `question`, if there is one, and hear the first words."""
    heard, end = b"", EndedError(Outcome.REPLIED)
    try:
        stream.connect()
        stream.send(question)
        heard = stream.receive()
    except EndedError as fault:
        end = fault
    outcome = Outcome.FAILED if declines(heard, scheme) else end.outcome
    return Greeting(
        address=stream.address, port=stream.port, outcome=outcome, errno=end.errno, seconds=stream.seconds,
        local=stream.local, sent=name, received=stream.received, first=stream.first, text=readable(heard),
        unacknowledged=stream.unacknowledged if outcome is Outcome.TIMED_OUT else None,
    )  # fmt: skip
