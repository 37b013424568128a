r"""What the lab's server says to a connection.

  echo              every byte comes back (where nothing else is said)
  http, http:CODE   answers each request with that status
  body:TEXT         that body in place of the page
  header:NAME=TEXT  one more header of the answer
  hosts:NAME        HTTP, but `403 Invalid Host header` unless Host is NAME
  peers:ADDRESS     HTTP, but `403` for every client that does not come from ADDRESS
  tls[:KIND]        TLS first, then HTTP (or what else is said); KIND as in lab/certificates.py
  ca:PATH           with tls: the issuer's certificate is written to PATH
  banner:TEXT       says TEXT at once, then echoes; with `close`, closes after it
  reply:TEXT        says TEXT to whatever comes first, then closes
  silent            reads, never answers
  close             ends in order, without a word
  reset             ends with RST
  hangup            reads the request, then ends in order without a word
  flood             sends without end
  slow:SECONDS      waits that long before it answers
  forward:HOST:PORT connects there and passes bytes on, both ways; closes where that refuses
  again:TIMES       with forward: where it is refused, tries so often again, a second apart

TEXT may hold \n, \r, \t and \xNN.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

from loopdiag.lab.server import has, option, sockaddr
from loopdiag.lab.words import unescape

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = b"a page of the lab\n"
_PATIENCE = 5.0


def converse(connection: socket.socket, modes: Sequence[str], context: Any) -> None:
    """Serve one connection to its end; what the peer does to it is no fault of ours."""
    with contextlib.suppress(OSError), connection:
        time.sleep(float(option(modes, "slow") or 0))
        if context is None:
            _speak(connection, modes, secure=False)
            return
        with context.wrap_socket(connection, server_side=True) as secured:
            _speak(secured, modes, secure=True)


def _speak(connection: socket.socket, modes: Sequence[str], *, secure: bool) -> None:
    banner = option(modes, "banner")
    if banner:
        connection.sendall(unescape(banner))
    for name, speak in _MANNERS.items():
        if has(modes, name):
            return speak(connection, modes)
    if not banner and (secure or any(has(modes, name) for name in ("http", "hosts", "peers"))):
        return _http(connection, modes)
    return _echo(connection, modes)


def _echo(connection: socket.socket, modes: Sequence[str]) -> None:
    while data := connection.recv(4096):
        connection.sendall(data)


def _reset(connection: socket.socket, modes: Sequence[str]) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _close(connection: socket.socket, modes: Sequence[str]) -> None:
    """An orderly end: what the client still sends is read away, or the kernel would answer it with RST."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(_PATIENCE)
    while connection.recv(4096):
        pass


def _hangup(connection: socket.socket, modes: Sequence[str]) -> None:
    connection.recv(4096)
    _close(connection, modes)


def _reply(connection: socket.socket, modes: Sequence[str]) -> None:
    connection.recv(4096)
    connection.sendall(unescape(option(modes, "reply") or ""))
    _close(connection, modes)


def _silent(connection: socket.socket, modes: Sequence[str]) -> None:
    while connection.recv(4096):
        pass


def _flood(connection: socket.socket, modes: Sequence[str]) -> None:
    while True:
        connection.sendall(b"x" * 65536)


def _forward(connection: socket.socket, modes: Sequence[str]) -> None:
    with _dial(*sockaddr(option(modes, "forward") or ""), again=int(option(modes, "again") or 0)) as there:
        back = threading.Thread(target=_pass_on, args=(there, connection), daemon=True)
        back.start()
        _pass_on(connection, there)
        back.join()


def _dial(family: int, address: Any, again: int) -> socket.socket:
    """Connects; where it is refused, `again` times more, a second apart. Raises OSError after that."""
    for left in range(again, -1, -1):
        there = socket.socket(family)
        try:
            there.connect(address)
        except OSError:
            there.close()
            if not left:
                raise
            time.sleep(1)
        else:
            return there
    raise AssertionError("unreachable")


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _http(connection: socket.socket, modes: Sequence[str]) -> None:
    from http.server import BaseHTTPRequestHandler

    allowed, served = option(modes, "hosts"), option(modes, "peers")
    extra = option(modes, "header")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = int(option(modes, "http") or 200), unescape(option(modes, "body") or "") or PAGE
            host = (self.headers.get("Host") or "").rpartition(":")[0] or self.headers.get("Host")
            if served and self.client_address[0] != served:
                status, body = 403, b"Forbidden\n"
            if allowed and host != allowed:
                status, body = 403, b"Invalid Host header\n"
            self.send_response(status)
            if extra:
                self.send_header(*extra.partition("=")[::2])
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and status not in (204, 304):
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *args: Any) -> None:
            """Nothing is logged."""

    Handler(connection, connection.getpeername(), None)  # type: ignore[arg-type]


_MANNERS = {
    "reset": _reset,
    "close": _close,
    "hangup": _hangup,
    "reply": _reply,
    "silent": _silent,
    "flood": _flood,
    "forward": _forward,
}
