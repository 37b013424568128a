"""The real clients that are installed, on hosts of many kinds: each does what was predicted of it."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from loopdiag.probes.client_programs import PYTHONS
from tests.conftest import lacks
from tests.host import PROJECT

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip", "curl")

# Answers HTTP, what psql opens with, and mysql, which waits to be greeted; a listener for each ADDRESS or ADDRESS/PORT.
SERVER = """
import socket, sys, threading
def serve(connection):
    with connection:
        connection.settimeout(0.3 if "greet" in sys.argv else None)
        try: words = connection.recv(2000)
        except TimeoutError:  # MySQL, "ERR_Packet": no greeting but an error
            connection.sendall(b"\\x07\\0\\0\\0\\xff\\x10\\x04full")
            return
        print(words.split(b"\\r")[0], flush=True)
        if words[:2] == b"\\0\\0":  # PostgreSQL, "Message Formats": no TLS here, then an error instead of a session
            connection.sendall(b"N")
            connection.recv(2000)
            text = b"SFATAL\\0C28000\\0Mno such role\\0\\0"
            connection.sendall(b"E" + (len(text) + 4).to_bytes(4, "big") + text)
        elif words:
            page = b"<script src=/a.js></script><link rel=stylesheet href=/b.css><img src=/c.png>"
            head = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\nConnection: close\\r\\nContent-Length: "
            body = b"" if words.startswith(b"HEAD") else page
            connection.sendall(head + b"%d" % len(page) + b"\\r\\n\\r\\n" + body)
def listen(where):
    address, _, port = where.partition("/")
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in address: server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, int(port or 3000)))
    server.listen(50)
    while True: threading.Thread(target=serve, args=[server.accept()[0]], daemon=True).start()
for where in {*sys.argv[1:]} - {"greet"}: threading.Thread(target=listen, args=[where]).start()
import time; time.sleep(0.1); print("ready", flush=True)
"""
BOTH = "127.0.0.1 localhost\n::1 localhost\n"
# The word for --client -> the program that must be there for it. Chromium takes seconds, and has a test of its own.
CLIENTS = {"curl": "curl", "node": "node", "python": "python3", "java": "javac", "ruby": "ruby", "php": "php",
           "busybox": "busybox"}  # fmt: skip
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
    "own addresses of both kinds": Setup(
        hosts="10.7.0.1 box\nfd00::7 box\n", ask="http://box:3000", listen=("10.7.0.1",),
        steps="ip addr add 10.7.0.1/8 dev lo; ip addr add fd00::7/128 dev lo",
    ),
    "several addresses of a name": Setup(
        hosts="127.0.0.2 box\n127.0.0.3 box\nfd00::7 box\n", ask="http://box:3000", listen=("127.0.0.3",),
        steps="ip addr add fd00::7/128 dev lo",
    ),
    "no 127.0.0.1 on lo": Setup(steps="ip addr del 127.0.0.1/8 dev lo", listen=("::1",)),
    "other letters": Setup(ask="http://LocalHost:3000"),
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


@pytest.mark.parametrize("program", [pytest.param(one, marks=pytest.mark.needs(one)) for one in CLIENTS.values()])
def test_the_program_of_a_client_is_there(program: str) -> None:
    assert shutil.which(program)  # the tests below leave out what is not, unless this machine was said to have it


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS.keys())
def test_the_real_clients_do_as_predicted(host: Host, setup: Setup) -> None:
    build(host, setup)
    rows = verified(host, setup.ask, *only(*(setup.only or (*CLIENTS, "go"))), env=setup.env)
    for word, program in CLIENTS.items():
        assert setup.only or not shutil.which(program) or any(row.lower().startswith(word) for row in rows)
    assert not wrong(rows)


def test_every_form_of_no_proxy_is_read_as_predicted(host: Host) -> None:
    build(host, Setup(listen=("127.0.0.1", "127.0.0.1/3128")))
    for value, ask in NO_PROXY.items():
        rows = verified(host, ask, *only("curl", "python", "busybox"), env={**PROXY, "no_proxy": value})
        assert len(rows) >= 2
        assert not wrong(rows), value


@pytest.mark.parametrize("env", [
    {"http_proxy": "", "HTTP_PROXY": "http://127.0.0.1:3128"},
    {**PROXY, "no_proxy": "", "NO_PROXY": "box"},
    {**PROXY, "no_proxy": "10.0.0.0/8"},
    {**PROXY, "no_proxy": "a box"},
    {"http_proxy": "127.0.0.1:3128"},
    {"http_proxy": "http://127.0.0.1:3128", "all_proxy": "http://127.0.0.1:3129"},
], ids=str)  # fmt: skip
def test_every_way_to_set_a_proxy_is_read_as_predicted(host: Host, env: dict[str, str]) -> None:
    listen = ("127.0.0.1/3128", "127.0.0.1/3129", "10.7.0.1")
    build(host, Setup(hosts=f"{BOTH}10.7.0.1 box\n", steps="ip addr add 10.7.0.1/8 dev lo", listen=listen))
    assert not wrong(verified(host, "http://box:3000", *only(*READ_PROXIES, "httpx", "go"), env=env))


@pytest.mark.needs("nft")
def test_a_silent_address_is_given_up_as_predicted(host: Host) -> None:
    build(host, Setup(listen=("127.0.0.1", "::1")))
    host.sh("nft add table inet t; nft 'add chain inet t in { type filter hook input priority 0; }'; "
            "nft add rule inet t in ip6 daddr ::1 tcp dport 3000 drop")  # fmt: skip
    rows = verified(host, "http://localhost:3000", *only("curl", "node", "urllib", "go"))
    assert rows["Python urllib"]["seconds"] > 100
    assert not wrong(rows)


@pytest.mark.needs("psql")
@pytest.mark.parametrize("name", ["IPv4 only", "IPv6 only", "nothing listens", "no ::1 on lo", "localhost missing"])
def test_psql_does_as_predicted(host: Host, name: str) -> None:
    build(host, SETUPS[name])
    rows = verified(host, "postgres://localhost:3000")
    assert rows.keys() == {"psql"}
    assert not wrong(rows)


@pytest.mark.needs("mysql")
@pytest.mark.parametrize("name", ["IPv4 only", "IPv6 only", "nothing listens", "localhost missing", "other letters",
                                  "own addresses of both kinds"])  # fmt: skip
def test_mysql_does_as_predicted(host: Host, name: str) -> None:
    setup = SETUPS[name]
    build(host, replace(setup, listen=(*setup.listen, "greet")))
    rows = verified(host, setup.ask.replace("http", "mysql"))
    assert any(name.startswith("mysql") for name in rows)
    assert not wrong(rows)


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("name", ["IPv4 only", "nothing listens", "no ::1 on lo", "localhost missing", "other letters",
                                  "own addresses of both kinds"])  # fmt: skip
def test_chromium_does_as_predicted(host: Host, name: str) -> None:
    # Not with several addresses of one IP version: of the hosts file Chromium takes the first of each, and yet got to
    # the second once, on a busy machine (as it would by getaddrinfo, before it has read that file).
    build(host, SETUPS[name])
    rows = verified(host, SETUPS[name].ask, "--client", "chromium")
    assert rows.keys() == {"Chromium"}
    assert not wrong(rows)


@pytest.mark.needs("chromium")
def test_a_browser_is_left_alone_where_a_proxy_variable_is_set(host: Host) -> None:
    build(host, SETUPS["a proxy that answers"])
    assert not verified(host, "http://localhost:3000", *only("chromium", "firefox"), env=PROXY)


# As run by --verify: which program it is, and whether it says where it got to.
ONE_REQUEST = """
import sys
from loopdiag.probes.client_installed import installed
from loopdiag.probes.clients import run_client
runs = (run_client(sys.argv[1], one.path, "localhost", 3000, "http") for one in installed(sys.argv[1]))
print(next(filter(None, runs)).peer[1])
"""


@pytest.mark.parametrize("program", ["curl", "node", "urllib", "requests", "httpx", "ruby", "php", "busybox", "go",
                                     "chromium", "firefox", "dotnet"])  # fmt: skip
def test_a_client_makes_one_request(host: Host, program: str) -> None:
    if reason := lacks("python3" if program in PYTHONS else {"firefox": "firefox-esr"}.get(program, program)):
        pytest.skip(reason)
    build(host, Setup(listen=()))
    asked = host.folder / "asked"
    host.start("bash", "-c", f'python3 -c "$0" "$@" | tee {asked}', SERVER, "127.0.0.1", "::1")
    said = host.sh(f"cd {PROJECT}; {sys.executable} -c '{ONE_REQUEST}' {program}")
    assert said == "3000\n"
    assert asked.read_text().count("HTTP") == 1


def only(*words: str) -> list[str]:
    return [part for word in words for part in ("--client", word)]
