"""HTTP: one GET of exactly the path given, and what came back of it, bounded in time and bytes (RFC 9110, 9112)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from loopdiag.model.address import endpoint
from loopdiag.model.observation import Outcome
from loopdiag.model.service import HttpExchange
from loopdiag.probes.body import broken_off
from loopdiag.probes.stream import EndedError, Stream, readable

if TYPE_CHECKING:
    import socket

    from loopdiag.model.target import Target

HEAD_LIMIT = 16384  # bytes of status line and headers that are read at most
BODY_LIMIT = 4096  # of an error's body
BODY_PATIENCE = 0.2  # seconds for it
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: ([^\r\n]*))?\r?\n")
_TELLING = ("server", "via", "location", "content-type", "x-powered-by")
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
# A WebSocket is asked for as RFC 6455 wants it: without these, a healthy server answers 400 or 426.
_UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "bG9vcGRpYWcgcHJvYmUhIQ=="}  # fmt: skip


class Talk(Protocol):
    """What a request is sent on: a Stream, or TLS over one."""

    def send(self, data: bytes) -> None: ...
    def receive(self, patience: float | None = None) -> bytes: ...


def host_header(target: Target, port: int) -> str:
    """The Host header that clients send for this target: without zone, without the scheme's own port."""
    host = (target.host or "localhost").partition("%")[0]
    shown = endpoint(host, port)
    if port == _DEFAULT_PORTS.get(target.scheme):
        return shown.rpartition(":")[0]
    return shown


def ask_http(
    target: Target, address: str, port: int, host: str, timeout: float, connection: socket.socket | None = None
) -> HttpExchange:
    """One plaintext request with that Host header; `timeout` is in seconds, for all of it.

    On `connection`, where there is one that was made already; it is closed with the answer.
    """
    with Stream(address, port, timeout, connection) as stream:
        try:
            stream.connect()
        except EndedError as end:
            return ended(target, stream, host, end)
        return exchange(target, stream, stream, host)


def exchange(target: Target, stream: Stream, talk: Talk, host: str) -> HttpExchange:
    """Send the request on `talk`, which goes over `stream`, and read the answer."""
    heard, end = _hear(talk, request(target, host))
    heard = _final(heard)
    if end and not _ends_well(heard, end):
        return ended(target, stream, host, end, heard, secure=talk is not stream)
    found = _STATUS.match(heard)
    if not found:
        return ended(target, stream, host, EndedError(Outcome.FAILED), heard, secure=talk is not stream)
    status = int(found[1])
    head, body = _parted(heard)
    seconds, cut = stream.seconds, None if status >= 400 else broken_off(talk, status, head, body)
    return HttpExchange(
        address=stream.address, port=stream.port, outcome=cut.outcome if cut else _outcome(status),
        errno=cut.errno if cut else None, seconds=stream.seconds if cut else seconds, local=stream.local,
        sent=f"GET {_path(target)}", received=stream.received, first=stream.first, secure=talk is not stream,
        path=_path(target), host=host, status=status, reason=readable(found[2] or b"", 60), headers=_headers(head),
        text=readable(_without_tags(_rest(talk, body))) if status >= 400 else None,
    )  # fmt: skip


def _hear(talk: Talk, asked: bytes) -> tuple[bytes, EndedError | None]:
    """What came back up to the end of the headers, and the ending where one came before."""
    heard, broken = b"", None
    try:
        talk.send(asked)
    except EndedError as end:
        broken = end  # it may have answered all the same, and closed before it was asked
    try:
        while not _complete(heard):
            heard += talk.receive()
    except EndedError as end:
        return heard, broken or end
    return heard, None


def request(target: Target, host: str) -> bytes:
    """The bytes of the request."""
    headers = {"Host": host, "User-Agent": "loopdiag", "Accept": "*/*"}
    headers |= _UPGRADE if target.scheme in ("ws", "wss") else {"Connection": "close"}
    lines = [f"GET {_path(target)} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8")


def ended(
    target: Target, stream: Stream, host: str, end: EndedError, heard: bytes = b"", *, secure: bool = False
) -> HttpExchange:
    """An exchange that gave no whole HTTP answer."""
    other = heard and not _STATUS.match(heard)  # in another language, which the service has spoken to its end
    outcome = Outcome.FAILED if other and end.outcome is Outcome.CLOSED else end.outcome
    return HttpExchange(
        address=stream.address, port=stream.port, outcome=outcome, errno=end.errno, seconds=stream.seconds,
        local=stream.local, sent=f"GET {_path(target)}", received=stream.received, first=heard[:64], secure=secure,
        text=readable(heard), path=_path(target), host=host,
        unacknowledged=stream.unacknowledged if outcome is Outcome.TIMED_OUT else None,
    )  # fmt: skip


def _path(target: Target) -> str:
    """As typed, with what may not stand in a request line percent-encoded."""
    text = target.path if target.scheme != "unix" and target.path else "/"
    return "".join(part if 32 < ord(part) < 127 else "".join(f"%{byte:02X}" for byte in part.encode()) for part in text)


def _complete(heard: bytes) -> bool:
    """The headers of the final answer are there, or it is no HTTP, or too much of it."""
    if len(heard) >= HEAD_LIMIT:
        return True
    if not b"HTTP/".startswith(heard[:5]):
        return True
    final = _final(heard)
    return b"\r\n\r\n" in final or b"\n\n" in final


def _ends_well(heard: bytes, end: EndedError) -> bool:
    """Some servers close behind their headers without the empty line."""
    return end.outcome is Outcome.CLOSED and bool(_STATUS.match(heard)) and heard.endswith(b"\n")


def _final(heard: bytes) -> bytes:
    """Without the interim answers (100, 103) before the final one; 101 is final for who asked for it."""
    while (found := _STATUS.match(heard)) and found[1] in (b"100", b"102", b"103"):
        rest = _parted(heard)[1]
        if not rest:
            return b""
        heard = rest
    return heard


def _parted(heard: bytes) -> tuple[bytes, bytes]:
    ends = [(at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n") if (at := heard.find(mark)) >= 0]
    at, length = min(ends, default=(len(heard), 0))
    return heard[:at], heard[at + length :]


def _headers(head: bytes) -> tuple[tuple[str, str], ...]:
    pairs = (line.partition(b":") for line in head.splitlines()[1:100])
    named = ((name.strip().lower().decode("latin-1"), readable(value, 120) or "") for name, _, value in pairs)
    return tuple((name, value) for name, value in named if name in _TELLING)


def _rest(talk: Talk, body: bytes) -> bytes:
    """The beginning of an error's body, as far as it comes quickly."""
    try:
        while len(body) < BODY_LIMIT:
            body += talk.receive(BODY_PATIENCE)
    except EndedError:
        pass
    return body[:BODY_LIMIT]


def _without_tags(body: bytes) -> bytes:
    """HTML without its markup, scripts and styles; chunk sizes stay, they hurt nobody."""
    body = re.sub(rb"(?is)<(script|style|title)\b.*?</\1>", b" ", body)
    return re.sub(rb"<[^>]{0,500}>", b" ", body)


def _outcome(status: int) -> Outcome:
    """Whether who asked got it: a refusal and a failure of the service are none, though they are answers."""
    if status == 403:
        return Outcome.DENIED
    return Outcome.FAILED if status >= 500 else Outcome.REPLIED
