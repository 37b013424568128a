"""Sockets as the kernel has them: ss as an independent witness, and what a client meets."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopdiag.host.linux.namespaces import read_sockets_elsewhere
from loopdiag.host.linux.sockets import read_sockets
from loopdiag.host.linux.unix_sockets import read_unix_sockets
from tests.host import PROJECT

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ss", "ip")

OPEN = """
import socket, os, time
held = []
def tcp(address, port, family=socket.AF_INET, listen=True, v6only=None, device=None, reuseport=False, backlog=7):
    one = socket.socket(family)
    if v6only is not None:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    if device:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, reuseport)
    one.bind((address, port))
    if listen:
        one.listen(backlog)
    held.append(one)
    return one
tcp("127.0.0.1", 7001); tcp("0.0.0.0", 7002); tcp("::", 7003, socket.AF_INET6, v6only=0)
tcp("::", 7004, socket.AF_INET6, v6only=1); tcp("::1", 7005, socket.AF_INET6); tcp("0.0.0.0", 7006, device=b"lo")
tcp("127.0.0.1", 7007, reuseport=True); tcp("127.0.0.1", 7007, reuseport=True)
tcp("127.0.0.1", 7008, listen=False); tcp("::ffff:127.0.0.1", 7009, socket.AF_INET6)
held += [socket.create_connection(("127.0.0.1", 7002)) for _ in range(3)]
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.bind(("::", 7010)); held.append(u)
x = socket.socket(socket.AF_UNIX); x.bind("\\0loopdiag-test"); x.listen(3); held.append(x)
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def busy(host: Host) -> Host:
    host.sh("ip link set lo up")
    host.python(OPEN)
    return host


def by_ss(host: Host) -> set[tuple[str, str, int, int, str | None]]:
    """Protocol, address, port, accept queue, device of every listener and UDP socket."""
    found = set()
    for line in host.sh("ss -HlntuO").splitlines():
        protocol, _, queue, _, local = line.split()[:5]
        address, _, port = local.rpartition(":")
        address, _, device = address.partition("%")
        bare = address.strip("[]").removeprefix("::ffff:")
        found.add((protocol, bare, int(port), int(queue), device or None))
    return found


def test_listeners_agree_with_ss(busy: Host) -> None:
    found = busy.call(lambda: read_sockets(listening=True))
    assert isinstance(found, tuple)
    # ss writes * for a dual-stack wildcard.
    ours = {(one.protocol, "*" if one.families == ("ipv4", "ipv6") else one.address, one.port, one.queue, one.device)
            for one in found}  # fmt: skip
    assert ours == by_ss(busy)


def test_what_ss_tells_only_in_passing(busy: Host) -> None:
    found = busy.call(read_sockets)
    assert isinstance(found, tuple)
    at = {one.port: one for one in found if one.peer is None}
    assert at[7003].families == ("ipv4", "ipv6")
    assert at[7004].families == ("ipv6",)
    assert (at[7009].address, at[7009].families) == ("127.0.0.1", ("ipv4",))
    assert (at[7002].queue, at[7002].queue_limit) == (3, 7)
    assert at[7008].state == "BOUND"
    assert sum(one.port == 7007 for one in found) == 2
    assert sum(one.unaccepted for one in found) == 3


def test_one_port_is_all_of_that_port(busy: Host) -> None:
    every, one = busy.call(read_sockets), busy.call(lambda: read_sockets(port=7002))
    assert isinstance(every, tuple)
    assert isinstance(one, tuple)
    assert {each.cookie for each in one} == {each.cookie for each in every if 7002 in (each.port, each.peer_port)}
    assert len(one) == 1 + 3 + 3


def test_unix_sockets_agree_with_ss(busy: Host) -> None:
    found = busy.call(read_unix_sockets)
    assert isinstance(found, tuple)
    told = set(re.findall(r"LISTEN \d+ +\d+ +(\S+)", busy.sh("ss -Hlx")))
    assert {one.path for one in found if one.state == "LISTEN"} == told
    assert next(one.queue_limit for one in found if one.path == "@loopdiag-test") == 3


def test_sockets_where_netlink_is_refused(busy: Host) -> None:
    """By seccomp, as a container may: socket(AF_NETLINK) fails, and /proc still tells."""
    code = (
        "import socket; real = socket.socket\n"
        "def refuse(family=-1, *rest, **named):\n"
        "    if family == socket.AF_NETLINK: raise PermissionError(1, 'no')\n"
        "    return real(family, *rest, **named)\n"
        "socket.socket = refuse\n"
        "from loopdiag.host.linux.sockets import read_sockets\n"
        "print(sorted({one.port for one in read_sockets(listening=True)}))"
    )
    assert look(busy, code) == "[7001, 7002, 7003, 7004, 7005, 7006, 7007, 7009, 7010]"


IN_THERE = "import socket; s = socket.create_server(('127.0.0.1', 7050)); print(1, flush=True); s.accept()"
LOOK = (
    "from loopdiag.host.linux.namespaces import read_sockets_elsewhere\n"
    "print(sorted(str(one.namespace) for one in read_sockets_elsewhere(port=7050)))"
)


def look(host: Host, code: str = LOOK, user: str | None = None) -> str:
    """What Python code of ours prints inside."""
    words = host.command(sys.executable, "-c", code, user=user)
    return subprocess.run(words, capture_output=True, text=True, cwd=PROJECT, timeout=60, check=True).stdout.strip()


@pytest.mark.parametrize("user", [None, "nobody"])
def test_other_namespaces_by_name_and_without(host: Host, user: str | None) -> None:
    host.sh("mount -t tmpfs tmpfs /run && mkdir /run/netns && ip netns add named && ip -n named link set lo up")
    host.start("ip", "netns", "exec", "named", "python3", "-c", IN_THERE)
    host.start("unshare", "--net", "sh", "-c", f'ip link set lo up; exec python3 -c "{IN_THERE}"')
    told = look(host, user=user)
    assert told.count(",") == 1, told
    if user is None:
        assert "'named'" in told
        assert "net:[" in told


def test_no_other_namespace_is_an_empty_list_and_no_gap(host: Host) -> None:
    assert look(host) == "[]"


def test_looking_elsewhere_leaves_the_caller_where_it_was() -> None:
    here = Path("/proc/thread-self/ns/net")
    before = here.readlink()
    assert isinstance(read_sockets_elsewhere(port=7051), tuple)
    assert here.readlink() == before
