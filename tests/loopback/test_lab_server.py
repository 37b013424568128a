"""What the lab's server says, over a pair of connected sockets, and the sockets that it opens."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest

from loopdiag.lab.certificates import KINDS, make
from loopdiag.lab.server import open_socket, option, sockaddr
from loopdiag.lab.service import converse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def answer(request: bytes, *modes: str) -> bytes:
    """All that the server says to `request`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname(), 5)
        thread = threading.Thread(target=converse, args=(server.accept()[0], modes, None))
        thread.start()
        with client:
            client.sendall(request)
            with contextlib.suppress(OSError):  # where it was reset by now, recv() says so
                client.shutdown(socket.SHUT_WR)
            said = b"".join(iter(lambda: client.recv(4096), b""))
        thread.join()
        return said


REQUEST = b"GET / HTTP/1.0\r\nHost: localhost:80\r\n\r\n"


@pytest.mark.parametrize(
    ("modes", "begins", "holds"),
    [
        (("http",), b"HTTP/1.0 200", b"a page of the lab"),
        (("http:503", "body:down"), b"HTTP/1.0 503", b"\r\n\r\ndown"),
        (("http:301", "header:Location=/x"), b"HTTP/1.0 301", b"Location: /x\r\n"),
        (("hosts:app.test",), b"HTTP/1.0 403", b"Invalid Host header"),
        (("hosts:localhost",), b"HTTP/1.0 200", b"a page"),
        (("echo",), REQUEST, REQUEST),
        (("banner:220 hi\\r\\n",), b"220 hi\r\nGET", b""),
        (("reply:-DENIED\\r\\n",), b"-DENIED\r\n", b""),
        (("banner:only", "close"), b"only", b""),
    ],
)
def test_what_is_said(modes: tuple[str, ...], begins: bytes, holds: bytes) -> None:
    said = answer(REQUEST, *modes)
    assert said.startswith(begins)
    assert holds in said


@pytest.mark.parametrize("mode", ["close", "hangup", "silent"])
def test_an_orderly_end_without_a_word(mode: str) -> None:
    assert answer(REQUEST, mode) == b""


def test_a_reset() -> None:
    with pytest.raises(ConnectionResetError):
        answer(REQUEST, "reset")


@pytest.fixture
def backend() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_forwarder_passes_on(backend: socket.socket) -> None:
    threading.Thread(target=lambda: converse(backend.accept()[0], ["http"], None)).start()
    assert answer(REQUEST, f"forward:127.0.0.1:{backend.getsockname()[1]}").startswith(b"HTTP/1.0 200")


def test_a_forwarder_with_a_dead_backend_says_nothing(backend: socket.socket) -> None:
    port = backend.getsockname()[1]
    backend.close()
    with contextlib.suppress(ConnectionResetError):
        assert answer(b"", f"forward:127.0.0.1:{port}") == b""


@pytest.mark.parametrize(
    ("where", "family", "address"),
    [
        ("127.0.0.1:80", socket.AF_INET, ("127.0.0.1", 80)),
        ("[::1]:80", socket.AF_INET6, ("::1", 80, 0, 0)),
        (":::80", socket.AF_INET6, ("::", 80, 0, 0)),
        ("127.0.0.1", socket.AF_INET, ("127.0.0.1", 0)),
        ("[::1]", socket.AF_INET6, ("::1", 0, 0, 0)),
        ("unix:/run/a", socket.AF_UNIX, "/run/a"),
        ("unix:@a", socket.AF_UNIX, "\0a"),
    ],
)
def test_addresses_as_steps_write_them(where: str, family: int, address: object) -> None:
    assert sockaddr(where) == (family, address)


def test_options_of_the_socket() -> None:
    with open_socket("[::1]:0", ["v6only", "backlog:7"]) as server:
        assert server.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
    with open_socket("127.0.0.1:0", ["bound", "noreuse"]) as server:
        assert server.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0
        assert server.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 0
    with open_socket("127.0.0.1:0", ["udp"]) as server:
        assert server.type == socket.SOCK_DGRAM
    assert option(["forward:10.0.0.1:80"], "forward") == "10.0.0.1:80"


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("kind", "refused"),
    [("self-signed", None), ("unknown-ca", None), ("expired", "has expired"), ("early", "not yet valid"),
     ("wrong-name", "Hostname mismatch")],
)  # fmt: skip
def test_certificates_are_refused_for_what_they_are(kind: str, refused: str | None, tmp_path: Path) -> None:
    assert kind in KINDS
    make(kind, tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: converse(listener.accept()[0], ["http"], server)).start()
        plain = socket.create_connection(listener.getsockname(), 5)
        if refused is None:
            with client.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(REQUEST)
                assert secure.recv(4096).startswith(b"HTTP/1.0 200")
            return
        with pytest.raises(ssl.SSLCertVerificationError, match=refused), plain:
            client.wrap_socket(plain, server_hostname="localhost")


def test_an_unknown_kind_of_certificate_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expired"):
        make("stale", tmp_path)
