from __future__ import annotations

import pytest

from loopdiag.model.proxy import Cover, cover, parse_proxy


@pytest.mark.parametrize(
    ("value", "host", "port"),
    [
        ("http://127.0.0.1:3128", "127.0.0.1", 3128),
        ("http://user:secret@proxy.test:3128/", "proxy.test", 3128),
        ("proxy.test:8080", "proxy.test", 8080),
        ("http://[::1]:3128", "::1", 3128),
        ("https://proxy.test", "proxy.test", 443),
        ("socks5h://127.0.0.1", "127.0.0.1", 1080),
        ("proxy.test", "proxy.test", 80),
    ],
)
def test_a_proxy_is_read(value: str, host: str, port: int) -> None:
    proxy = parse_proxy("http_proxy", value)
    assert proxy is not None
    assert (proxy.host, proxy.port) == (host, port)


@pytest.mark.parametrize("value", ["", "://", "http://"])
def test_what_names_no_host(value: str) -> None:
    assert parse_proxy("http_proxy", value) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "expected"),
    [
        ("localhost,127.0.0.1", "localhost", Cover.ALL),
        ("localhost, 127.0.0.1", "127.0.0.1", Cover.ALL),
        ("LOCALHOST", "localhost", Cover.ALL),
        ("*", "anything.test", Cover.ALL),
        ("localhost", "app.localhost", Cover.ALL),
        (".localhost", "app.localhost", Cover.ALL),
        ("::1", "::1", Cover.ALL),
        ("localhost", "127.0.0.1", Cover.NONE),
        ("127.0.0.1", "localhost", Cover.NONE),
        ("127.0.0.1", "::1", Cover.NONE),
        ("host", "localhost", Cover.NONE),
        ("0.0.1", "127.0.0.1", Cover.NONE),
        ("", "localhost", Cover.NONE),
        (".localhost", "localhost", Cover.SOME),
        ("127.0.0.0/8", "127.0.0.1", Cover.SOME),
        ("127.*", "127.0.0.1", Cover.SOME),
        ("[::1]", "::1", Cover.SOME),
        ("localhost:3000", "localhost", Cover.SOME),
        ("localhost:3001", "localhost", Cover.NONE),
        ("127.0.0.0/8,127.0.0.1", "127.0.0.1", Cover.ALL),
    ],
)
def test_no_proxy(no_proxy: str, host: str, expected: Cover) -> None:
    assert cover(no_proxy, host, 3000) is expected
