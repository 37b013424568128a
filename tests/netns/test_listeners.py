"""`listeners` beside ss as an independent witness, in this namespace and in others, with rights and without."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.netns.test_sockets import OPEN

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ss", "ip")
_OWNER = re.compile(r'\("([^"]*)",pid=(\d+)')


@pytest.fixture
def busy(host: Host) -> Host:
    host.sh("ip link set lo up; mount -t tmpfs tmpfs /run; mkdir /run/netns; ip netns add box; "
            "ip link add eth0 type veth peer name eth0 netns box; ip addr add 10.9.0.1/24 dev eth0; "
            "ip link set eth0 up; ip -n box addr add 10.9.0.2/24 dev eth0; ip -n box link set eth0 up; "
            "ip -n box link set lo up")  # fmt: skip
    host.python(OPEN)
    code = "import socket\ns = socket.create_server(('0.0.0.0', 7050))\nprint(1, flush=True)\nwhile True: s.accept()"
    host.start("ip", "netns", "exec", "box", "python3", "-c", code)
    return host


def listeners(host: Host, *words: str, user: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = host.report("listeners", *words, user=user)["facts"]["listeners"]
    return found


def by_ss(host: Host) -> list[tuple[object, ...]]:
    """Protocol, address, port, device, V6ONLY, queue, name and pid of the owner, inode of each."""
    found = []
    for line in host.sh("ss -HlntupeO").splitlines():
        protocol, _, queue, limit, local = line.split()[:5]
        address, _, port = local.rpartition(":")
        address, _, device = address.partition("%")
        owner, inode = _OWNER.search(line), re.search(r" ino:(\d+)", line)
        assert owner
        assert inode
        full = (int(queue), int(limit)) if protocol == "tcp" else (int(queue), 0)
        found.append((protocol, address.strip("[]").removeprefix("::ffff:"), int(port), device or None,
                      "v6only:1" in line, full, owner[1], int(owner[2]), int(inode[1])))  # fmt: skip
    return sorted(found, key=str)


def as_ss(one: dict[str, Any]) -> tuple[object, ...]:
    both = one["families"] == ["ipv4", "ipv6"]
    only_six = ":" in one["address"] and one["families"] == ["ipv6"] and one["address"] == "::"
    queue, owner = (one["queue"], one["queue_limit"]), one["process"]
    address = "*" if both else one["address"]
    return (one["protocol"], address, one["port"], one["device"], only_six, queue, owner["name"], owner["pid"],
            one["inode"])  # fmt: skip


def test_every_listener_is_as_ss_has_it(busy: Host) -> None:
    ours = [as_ss(one) for one in listeners(busy)]
    witness = [(*one[:4], one[4] and one[1] == "::", *one[5:]) for one in by_ss(busy)]
    assert sorted(ours, key=str) == sorted(witness, key=str)
    assert sum(one["reuseport"] is True for one in listeners(busy, "7007")) == 2


def test_without_rights_sockets_are_shown_without_owners(busy: Host) -> None:
    report = busy.report("listeners", user="nobody")
    assert {one["port"] for one in report["facts"]["listeners"]} == {int(str(one[2])) for one in by_ss(busy)}
    assert all(one["process"] is None for one in report["facts"]["listeners"])
    assert any(gap["what"] == "owners of sockets" and "root" in gap["because"] for gap in report["unknown"])
    assert busy.report("listeners", "python3", user="nobody")["verdict"] == "unknown"


def test_all_namespaces(busy: Host) -> None:
    assert {one["namespace"] for one in listeners(busy)} == {None}
    inner = [one for one in listeners(busy, "--all-namespaces") if one["namespace"]]
    assert [(one["namespace"], one["port"], one["reach"], one["reach_through"]) for one in inner] == [
        ("box", 7050, "network", ["eth0"])
    ]
    assert inner[0]["process"]["name"] == "python3"


def test_reach_is_proven_by_real_connections(busy: Host) -> None:
    report = busy.report("listeners", "--verify", "--all-namespaces")
    outcome = {one["to"]: one["outcome"] for one in report["observations"]}
    assert outcome["127.0.0.1:7001"] == "connected"
    assert outcome["10.9.0.1:7001"] == "refused"
    assert outcome["10.9.0.1:7002"] == "connected"
    assert outcome["10.9.0.2:7050"] == "connected"
    assert report["verdict"] == "works", report["summary"]


def test_the_page_fits_its_columns(busy: Host) -> None:
    page = busy.loopdiag("listeners", "--all-namespaces").stdout
    assert max(map(len, page.splitlines())) <= 80
    assert re.search(r"^  tcp +\[::\]:7003 +both ", page, re.MULTILINE)
    assert re.search(r"^  tcp +\[::\]:7004 +IPv6 .*V6ONLY", page, re.MULTILINE)
    assert "in network namespace box" in " ".join(page.split())  # the heading may be wrapped


ODD = """
import socket, time
def one(port, family, address, device=None, only=0, kind=socket.SOCK_STREAM):
    found = socket.socket(family, kind)
    if family == socket.AF_INET6:
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
    if device:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    found.bind((address, port))
    found.listen()
    return found
kept = [one(7101, socket.AF_INET, '0.0.0.0'), one(7102, socket.AF_INET, '10.9.0.1', 'lo'),
        one(7103, socket.AF_INET, '0.0.0.0', 'eth0'), one(7104, socket.AF_INET, '10.9.0.255'),
        one(7105, socket.AF_INET, '10.9.0.1', 'br0'), one(7106, socket.AF_INET, '127.0.0.1')]
print(1, flush=True)
time.sleep(60)
"""
ASK = "import socket\ns = socket.socket()\ns.settimeout(0.3)\nprint(s.connect_ex(('{}', {})))"


@pytest.fixture
def odd(busy: Host) -> Host:
    """Listeners that reach depends on more than on their address for."""
    busy.sh("ip link add br0 type bridge; ip link set br0 up")
    busy.python(ODD)
    return busy


def reach(host: Host) -> dict[int, str]:
    return {one["port"]: one["reach_says"] for one in listeners(host) if 7100 < one["port"] < 7200}


def reached(host: Host, port: int, address: str = "10.9.0.1") -> tuple[bool, bool]:
    """Whether this host, and its neighbour, really reach it."""
    code = ASK.format(address, port)
    return tuple(host.sh(f'{enter} python3 -c "{code}"').strip() == "0"
                 for enter in ("", "ip netns exec box"))  # type: ignore[return-value]  # fmt: skip


def test_reach_is_what_the_kernel_does_with_devices_and_groups(odd: Host) -> None:
    says = reach(odd)
    assert says[7102].startswith("nobody that is not bound to lo too")
    assert reached(odd, 7102) == (False, False)
    assert says[7103] == "this host and the network through eth0"
    assert reached(odd, 7103) == (True, True)
    assert says[7104].startswith("nobody: TCP takes no connection")
    assert reached(odd, 7104, "10.9.0.255") == (False, False)


def test_reach_of_the_ports_of_a_bridge(odd: Host) -> None:
    odd.sh("ip link set eth0 master br0; ip -n box neigh flush all; sleep 0.2")
    says = reach(odd)
    assert says[7103].startswith("this host only, through eth0: what comes through eth0 counts as come through br0")
    assert reached(odd, 7103) == (True, False)
    assert says[7105].startswith("the network through br0, not this host itself")
    assert reached(odd, 7105) == (False, True)


def test_reach_with_lo_down(odd: Host) -> None:
    odd.sh("ip link set lo down")
    assert reach(odd)[7101] == "the network through eth0, not this host itself: lo is down"
    assert reached(odd, 7101) == (False, True)
    report = odd.report("listeners", "7101", "--verify")
    assert [one["what"] for one in report["unknown"]] == ["listeners that were not tried"]


def test_reach_by_the_local_table_and_route_localnet(odd: Host) -> None:
    setting = "sysctl -qw net.ipv4.conf.eth0.route_localnet=1"
    odd.sh(f"ip netns exec box {setting}; {setting}; "
           "ip -n box addr del 127.0.0.1/8 dev lo; "
           "ip -n box route add 127.0.0.0/8 via 10.9.0.1 src 10.9.0.2")  # fmt: skip
    assert reach(odd)[7106] == "this host only, and who sends to it through eth0 (route_localnet is set)"
    assert reached(odd, 7106, "127.0.0.1") == (True, True)
    odd.sh("ip route del local 127.0.0.0/8 table local; ip route del local 127.0.0.1 table local")
    assert reach(odd)[7106] == "nobody: the local route of its address is gone"
    assert reached(odd, 7106, "127.0.0.1") == (False, False)


def test_namespaces_of_one_name_are_told_apart(busy: Host) -> None:
    code = "import socket\ns = socket.create_server(('0.0.0.0', 7050))\nprint(1, flush=True)\nwhile True: s.accept()"
    busy.sh("mkdir -p /run/other; touch /run/other/box; unshare --net=/run/other/box true")
    busy.start("nsenter", "--net=/run/other/box", "python3", "-c", code)
    found = listeners(busy, "7050", "--all-namespaces")
    assert {one["namespace"] for one in found} == {"box", "/run/other/box"}
    assert {one["reuseport"] for one in found} == {None}
