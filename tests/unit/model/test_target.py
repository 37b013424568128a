from __future__ import annotations

import pytest

from loopdiag.model.errors import UsageError
from loopdiag.model.target import parse_awaited, parse_host, parse_target


@pytest.mark.parametrize(
    ("typed", "scheme", "host", "port"),
    [
        ("localhost", "icmp", "localhost", None),
        ("127.0.0.1", "icmp", "127.0.0.1", None),
        ("::1", "icmp", "::1", None),
        ("[::1]", "icmp", "::1", None),
        ("[::1]:8080", "tcp", "::1", 8080),
        ("localhost:3000", "tcp", "localhost", 3000),
        (":3000", "tcp", "localhost", 3000),
        ("3000", "tcp", "localhost", 3000),
        ("tcp://127.0.0.1:53", "tcp", "127.0.0.1", 53),
        ("udp://127.0.0.1:53", "udp", "127.0.0.1", 53),
        ("icmp://localhost", "icmp", "localhost", None),
        ("tls://localhost:8443", "tls", "localhost", 8443),
        ("http://localhost", "http", "localhost", 80),
        ("HTTPS://localhost/", "https", "localhost", 443),
        ("http://[::1]:3000/health?x=1#top", "http", "::1", 3000),
        ("postgres://localhost/app", "postgres", "localhost", 5432),
        ("127.1", "icmp", "127.0.0.1", None),
        ("0x7f000001", "icmp", "127.0.0.1", None),
        ("0177.0.0.1:80", "tcp", "127.0.0.1", 80),
        ("0", "tcp", "localhost", 0),
        ("fe80::1%eth0", "icmp", "fe80::1%eth0", None),
        ("0:0:0:0:0:0:0:1", "icmp", "::1", None),
        ("a_b.test:1", "tcp", "a_b.test", 1),
    ],
)
def test_every_form_of_target(typed: str, scheme: str, host: str, port: int | None) -> None:
    target = parse_target(typed)
    assert (target.scheme, target.host, target.port) == (scheme, host, port)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "localhost:65536",
        "localhost:-1",
        "localhost:http",
        ":99999",
        "65536",
        "[::1",
        "[::1]x",
        "256.1.1.1",
        "1.2.3.4.5",
        "1:2:3",
        "::g",
        "fe80::1%",
        "tcp://localhost",
        "udp://localhost",
        "icmp://localhost:3",
        "tls://localhost",
        "ftp://localhost",
        "http://",
        "a b",
        "a..b",
        "x" * 300,
        "unix:relative",
        "unix:/" + "x" * 200,
        "http://local host/",
        "localhost:٣",
        "host:",
    ],
)
def test_what_cannot_be_a_target_is_said_in_one_sentence(typed: str) -> None:
    with pytest.raises(UsageError) as said:
        parse_target(typed)
    assert "\n" not in str(said.value)


def test_a_path_is_kept_and_a_fragment_is_not() -> None:
    assert parse_target("http://localhost/a?b=c#d").path == "/a?b=c"
    assert parse_target("http://localhost?b").path == "/?b"


def test_a_password_never_reaches_the_target() -> None:
    target = parse_target("postgres://me:secret@localhost/app")
    assert "secret" not in repr(target)
    assert target.host == "localhost"


def test_unix_paths() -> None:
    assert parse_target("unix:/run/x.sock").path == "/run/x.sock"
    assert parse_target("unix:///run/x.sock").path == "/run/x.sock"
    assert parse_target("unix:@name").path == "@name"


def test_a_host_is_never_a_port() -> None:
    assert parse_host("2130706433").host == "127.0.0.1"
    assert parse_host("1").host == "0.0.0.1"


def test_a_target_reads_as_it_would_be_typed() -> None:
    assert str(parse_target("[::1]:80")) == "[::1]:80"
    assert str(parse_target("unix:/x")) == "unix:/x"


def test_a_file_is_awaited_and_nothing_else() -> None:
    for typed in ("file:/run/ready", "file:///run/ready", "file://localhost/run/ready"):
        target = parse_awaited(typed)
        assert (target.transport, target.path, str(target)) == ("file", "/run/ready", "file:/run/ready")
    assert parse_awaited("localhost:80") == parse_target("localhost:80")
    for typed in ("file:", "file:relative", "file:/a\0b"):
        with pytest.raises(UsageError):
            parse_awaited(typed)
    with pytest.raises(UsageError):
        parse_target("file:/run/ready")
