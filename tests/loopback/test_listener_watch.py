"""The kernel's own lookup of a listener, beside what a real connection meets."""

from __future__ import annotations

import errno
import socket
import sys
from typing import Any

import pytest

from loopdiag.host.read import read
from loopdiag.probes.outcome import sockaddr

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sock_diag is of Linux")

# where the listener is (v6only where it matters), who asks for it
PLACES = [
    ("127.0.0.1", None, "127.0.0.1"), ("127.0.0.1", None, "127.0.0.2"), ("0.0.0.0", None, "127.0.0.2"),
    ("0.0.0.0", None, "::1"), ("::", False, "127.0.0.1"), ("::", False, "::1"), ("::", True, "127.0.0.1"),
    ("::", True, "::1"), ("::1", True, "::1"), ("::1", True, "127.0.0.1"),
]  # fmt: skip


@pytest.mark.parametrize(("listener", "v6only", "asked"), PLACES)
def test_the_watch_sees_what_a_connection_meets(listener: str, v6only: bool | None, asked: str) -> None:
    family = socket.AF_INET6 if ":" in listener else socket.AF_INET
    with socket.socket(family) as server:
        if v6only is not None:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        server.bind((listener, 0))
        where = sockaddr(asked, server.getsockname()[1])
        watch = read("listener_watch", where)
        assert watch.absent(), "bound, and nobody listens yet"
        server.listen()
        assert watch.absent() is refused(where)
        server.close()
        assert watch.absent()
        watch.close()


@pytest.mark.parametrize(("listener", "v6only", "asked"), PLACES)
def test_the_watch_sees_what_a_datagram_meets(listener: str, v6only: bool | None, asked: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in listener else socket.AF_INET, socket.SOCK_DGRAM) as server:
        if v6only is not None:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        server.bind((listener, 0))
        where = sockaddr(asked, server.getsockname()[1])
        watch = read("listener_watch", where, "udp")
        assert watch.absent() is bounced(where)
        server.close()
        assert watch.absent()
        watch.close()


def bounced(where: tuple[Any, ...]) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.05)
        client.connect(where)
        client.send(b"?")
        try:
            client.recv(1)
        except TimeoutError:
            return False
        except ConnectionRefusedError:
            return True
        return False


def refused(where: tuple[Any, ...]) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET) as client:
        return client.connect_ex(where) == errno.ECONNREFUSED
