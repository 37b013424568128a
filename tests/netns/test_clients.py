"""The real clients that are installed, on hosts of many kinds: each does what was predicted of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip", "curl")

# Answers HTTP, and what psql opens with; a listener for each ADDRESS or ADDRESS/PORT.
SERVER = """
import socket, sys, threading
def serve(connection):
    with connection:
        words = connection.recv(2000)
        if words[:2] == b"\\0\\0":  # PostgreSQL, "Message Formats": no TLS here, then an error instead of a session
            connection.sendall(b"N")
            connection.recv(2000)
            text = b"SFATAL\\0C28000\\0Mno such role\\0\\0"
            connection.sendall(b"E" + (len(text) + 4).to_bytes(4, "big") + text)
        elif words:
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
def listen(where):
    address, _, port = where.partition("/")
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in address: server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, int(port or 3000)))
    server.listen(50)
    while True: threading.Thread(target=serve, args=[server.accept()[0]], daemon=True).start()
for where in sys.argv[1:]: threading.Thread(target=listen, args=[where]).start()
import time; time.sleep(0.1); print("ready", flush=True)
"""
BOTH = "127.0.0.1 localhost\n::1 localhost\n"
PROGRAMS = {"curl": "curl", "Node.js": "node", "Java": "java", "Ruby": "ruby", "PHP": "php", "BusyBox": "busybox"}
READ_PROXIES = ("curl", "urllib", "requests", "ruby", "busybox")
PROXY = {"http_proxy": "http://127.0.0.1:3128", "HTTP_PROXY": "http://127.0.0.1:3128"}


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A host: what listens, its hosts file, what is done to it; and the question."""

    listen: tuple[str, ...] = ("127.0.0.1",)
    hosts: str = BOTH
    steps: str = ""
    env: dict[str, str] = field(default_factory=dict)
    ask: str = "http://localhost:3000"
    nsswitch: str = "files dns"
    only: tuple[str, ...] = ()


SETUPS = {
    "IPv4 only": Setup(),
    "IPv6 only": Setup(listen=("::1",)),
    "both": Setup(listen=("127.0.0.1", "::1")),
    "nothing listens": Setup(listen=()),
    "::1 first in the file": Setup(hosts="::1 localhost\n127.0.0.1 localhost\n"),
    "no ::1 in the file": Setup(hosts="127.0.0.1 localhost\n", listen=("::1",)),
    "::1 alone in the file": Setup(hosts="::1 localhost\n"),
    "no ::1 on lo": Setup(steps="ip addr del ::1/128 dev lo"),
    "IPv6 off": Setup(steps="echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"),
    "IPv6 off and nothing listens": Setup(
        steps="echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6", listen=()
    ),
    "localhost missing": Setup(hosts="127.0.0.1 other\n", nsswitch="files"),
    "localhost remapped": Setup(hosts="127.0.0.9 localhost\n::1 localhost\n"),
    "an own address with IPv4 alone configured": Setup(
        hosts="10.7.0.1 box\n::1 box\n", ask="http://box:3000", listen=("10.7.0.1",),
        steps="ip link add eth0 type veth peer name far; ip addr add 10.7.0.1/24 dev eth0; "
        "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip link set eth0 up",
    ),
    "a subdomain of localhost": Setup(hosts=BOTH + "127.0.0.1 app.localhost\n", ask="http://app.localhost:3000"),
    "a proxy that answers": Setup(env=PROXY, listen=("127.0.0.1", "127.0.0.1/3128"), only=READ_PROXIES),
    "a proxy where nothing answers": Setup(env=PROXY, only=READ_PROXIES),
}  # fmt: skip
NO_PROXY = {
    "*": "http://localhost:3000",
    "a,*": "http://localhost:3000",
    "localhost": "http://localhost:3000",
    ".localhost": "http://localhost:3000",
    "localhost:3000": "http://localhost:3000",
    "a localhost": "http://localhost:3000",
    "host": "http://localhost:3000",
    "127.0.0.1": "http://127.0.0.1:3000",
    "127.0.0.0/8": "http://127.0.0.1:3000",
    "127.*": "http://127.0.0.1:3000",
    "127.0.0.1:3000": "http://127.0.0.1:3000",
    "::1": "http://[::1]:3000",
    "[::1]": "http://[::1]:3000",
}


def build(host: Host, setup: Setup) -> None:
    host.sh(f"ip link set lo up\n{setup.steps}")
    host.file("/etc/hosts", setup.hosts)
    host.file("/etc/nsswitch.conf", f"hosts: {setup.nsswitch}\n")
    host.file("/etc/resolv.conf", "")
    host.file("/etc/gai.conf", "")
    if setup.listen:
        host.start("python3", "-c", SERVER, *setup.listen)


def verified(host: Host, *words: str, env: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """The rows of the clients that were run."""
    rows = host.report("why", *words, "--clients", "--verify", env=env)["clients"]
    return {row["client"]: row for row in rows if row["verified"]}


def wrong(rows: dict[str, dict[str, Any]]) -> list[str]:
    return [
        f"{name}: predicted {row['ending']} {row['address']} ({row['says']}), but {row['verified']}"
        for name, row in rows.items()
        if row["verified"]["agrees"] is not True
    ]


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS.keys())
def test_the_real_clients_do_as_predicted(host: Host, setup: Setup) -> None:
    build(host, setup)
    rows = verified(host, setup.ask, *(word for one in setup.only for word in ("--client", one)), env=setup.env)
    for name, program in PROGRAMS.items():
        assert setup.only or not shutil.which(program) or any(row.startswith(name) for row in rows)
    assert not wrong(rows)


def test_every_form_of_no_proxy_is_read_as_predicted(host: Host) -> None:
    build(host, Setup(listen=("127.0.0.1", "127.0.0.1/3128")))
    for value, ask in NO_PROXY.items():
        rows = verified(
            host, ask, "--client", "curl", "--client", "python", "--client", "busybox", env={**PROXY, "no_proxy": value}
        )
        assert len(rows) >= 2
        assert not wrong(rows), value


@pytest.mark.needs("nft")
def test_a_silent_address_is_given_up_as_predicted(host: Host) -> None:
    build(host, Setup(listen=("127.0.0.1", "::1")))
    host.sh("nft add table inet t; nft 'add chain inet t in { type filter hook input priority 0; }'; "
            "nft add rule inet t in ip6 daddr ::1 tcp dport 3000 drop")  # fmt: skip
    rows = verified(host, "http://localhost:3000", "--client", "curl", "--client", "node", "--client", "urllib")
    assert rows["Python urllib"]["seconds"] > 100
    assert not wrong(rows)


@pytest.mark.needs("psql")
@pytest.mark.parametrize("name", ["IPv4 only", "IPv6 only", "nothing listens", "no ::1 on lo", "localhost missing"])
def test_psql_does_as_predicted(host: Host, name: str) -> None:
    build(host, SETUPS[name])
    rows = verified(host, "postgres://localhost:3000")
    assert rows.keys() == {"psql"}
    assert not wrong(rows)
