"""`why --from --to`: two namespaces joined by a veth pair, and a third that nothing leads to."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.host import PROJECT
from tests.netns.runtime import recorded, start_runtime

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip")
SERVE = ("import socket, sys; s = socket.create_server((sys.argv[1], int(sys.argv[2]))); print(1, flush=True)\n"
         "while True: c = s.accept()[0]; c.sendall(b'220 ready\\r\\n'); c.close()")  # fmt: skip


@pytest.fixture
def joined(host: Host) -> Host:
    host.sh("ip link set lo up; mount -t tmpfs tmpfs /run; mkdir /run/netns; ip netns add box; ip netns add lone; "
            "ip link add va type veth peer name eth0 netns box; ip addr add 10.9.0.1/24 dev va; ip link set va up; "
            "ip -n box addr add 10.9.0.2/24 dev eth0; ip -n box link set eth0 up; ip -n box link set lo up; "
            "ip -n lone link set lo up")  # fmt: skip
    host.file("/etc/hosts", "127.0.0.1 localhost\n")
    return host


def serve(host: Host, where: str, address: str) -> None:
    inside = ("ip", "netns", "exec", where) if where else ()
    host.start(*inside, "python3", "-c", SERVE, address, "7200")


def asked(host: Host, origin: str, destination: str) -> dict[str, Any]:
    return host.report("why", "localhost:7200", "--from", origin, "--to", destination)


def test_the_address_by_which_it_is_reached_is_found_and_tried(joined: Host) -> None:
    serve(joined, "box", "0.0.0.0")
    report = asked(joined, "host", "box")
    first = report["findings"][0]
    assert (report["verdict"], first["cause"], first["certainty"]) == ("broken", "listener-other-namespace", "proven")
    assert "10.9.0.2:7200" in first["statement"]
    assert first["fixes"][0]["run"] == "loopdiag connect 10.9.0.2:7200"
    assert [side["verdict"] for side in report["sides"]] == ["broken", "works"]
    assert joined.report("connect", "10.9.0.2:7200")["verdict"] == "works"


def test_from_a_container_to_a_service_of_the_host(joined: Host) -> None:
    serve(joined, "", "0.0.0.0")
    first = asked(joined, "box", "host")["findings"][0]
    assert "from box it is reached at 10.9.0.1:7200" in first["statement"]
    assert first["fixes"][0]["run"] == "loopdiag connect 10.9.0.1:7200 --netns box"


def test_a_namespace_without_a_network_has_to_be_joined_to_one(joined: Host) -> None:
    serve(joined, "lone", "0.0.0.0")
    fixes = [one["say"] for one in asked(joined, "host", "lone")["findings"][0]["fixes"]]
    assert fixes[0].startswith("join lone to a network")
    assert not any("0.0.0.0" in one for one in fixes)


def test_on_loopback_it_has_to_be_bound_elsewhere(joined: Host) -> None:
    serve(joined, "box", "127.0.0.1")
    first = asked(joined, "host", "box")["findings"][0]
    assert "only that namespace reaches it there" in first["statement"]
    assert "0.0.0.0" in first["fixes"][0]["say"]
    assert "10.9.0.2" in first["fixes"][0]["say"]


def test_where_nothing_leads_no_address_is_named(joined: Host) -> None:
    serve(joined, "box", "0.0.0.0")
    report = asked(joined, "lone", "box")
    assert "no address of it was found" in report["findings"][0]["statement"]
    assert [one["to"] for one in report["observations"]] == ["127.0.0.1:7200"]


def test_two_servers_on_two_loopbacks_are_a_note(joined: Host) -> None:
    serve(joined, "box", "127.0.0.1")
    serve(joined, "", "127.0.0.1")
    report = asked(joined, "host", "box")
    assert report["verdict"] == "works"
    assert [(one["cause"], one["severity"]) for one in report["findings"]] == [("listener-other-namespace", "note")]


def test_the_same_namespace_twice_is_one(joined: Host) -> None:
    serve(joined, "box", "127.0.0.1")
    report = asked(joined, "box", "box")
    assert (report["verdict"], report["findings"]) == ("works", [])


def test_a_container_by_its_name(joined: Host) -> None:
    serve(joined, "box", "0.0.0.0")
    pid = int(joined.sh("ip netns pids box").split()[0])
    start_runtime(joined, recorded("0123456789abcdef" * 4, pid))
    assert "in container:web;" in asked(joined, "host", "container:web")["findings"][0]["statement"]


@pytest.mark.parametrize("spec", ["nowhere", "pid:x", "pid:0", "container:nowhere"])
def test_a_side_that_is_not_there_is_wrong_usage(joined: Host, spec: str) -> None:
    done = joined.loopdiag("why", "localhost:7200", "--to", spec)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def first_of(host: Host, *words: str) -> dict[str, Any]:
    finding: dict[str, Any] = host.report("why", *words)["findings"][0]
    return finding


@pytest.mark.needs("nft")
@pytest.mark.parametrize("verdict", ["drop", "reject with tcp reset"])
def test_joined_and_filtered_is_not_told_to_be_joined(joined: Host, verdict: str) -> None:
    serve(joined, "box", "0.0.0.0")
    joined.sh("ip netns exec box nft 'add table ip f; add chain ip f i { type filter hook input priority 0; }; "
              f"add rule ip f i iif eth0 tcp dport 7200 {verdict}'")  # fmt: skip
    for words in (("localhost:7200", "--from", "host", "--to", "box"),
                  ("10.9.0.2:7200", "--from", "host", "--to", "box")):  # fmt: skip
        first = first_of(joined, *words)
        assert "has a way to 10.9.0.2:7200, and yet gets no connection there" in first["statement"]
        assert [one["run"] for one in first["fixes"]] == ["loopdiag why 10.9.0.2:7200",
                                                          "loopdiag why 10.9.0.2:7200 --netns box"]  # fmt: skip
    alone = first_of(joined, "10.9.0.2:7200")
    assert (alone["cause"], "network namespace box, which has 10.9.0.2" in alone["statement"]) == (
        "address-not-local", True)  # fmt: skip
    assert [one["run"] for one in alone["fixes"]] == ["loopdiag why 10.9.0.2:7200 --netns box"]


def test_a_server_that_is_stopped_there(joined: Host) -> None:
    serve(joined, "box", "0.0.0.0")
    joined.sh("kill -STOP $(ip netns pids box)")
    done = joined.loopdiag("why", "10.9.0.2:7200", "--from", "host", "--to", "box", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"], report["findings"][0]["cause"]) == (1, "broken", "listener-stopped")
    assert report["summary"].startswith("in box: python3")


def test_an_address_that_lo_has_for_others(joined: Host) -> None:
    joined.sh("ip -n box addr add 10.66.0.1/32 dev lo; ip route add 10.66.0.1/32 via 10.9.0.2")
    serve(joined, "box", "10.66.0.1")
    assert "it is reached at 10.66.0.1:7200" in asked(joined, "host", "box")["findings"][0]["statement"]
    assert "it is reached at 10.66.0.1:7200" in first_of(joined, "10.66.0.1:7200", "--from", "host", "--to",
                                                         "box")["statement"]  # fmt: skip


def test_the_address_with_a_way_is_found_among_many(joined: Host) -> None:
    joined.sh("ip -n box addr flush dev eth0; "
              "for i in {1..20}; do ip -n box addr add 10.78.$i.1/32 dev eth0; done; "
              "ip -n box addr add 10.9.0.2/24 dev eth0")  # fmt: skip
    serve(joined, "box", "0.0.0.0")
    report = asked(joined, "host", "box")
    assert "it is reached at 10.9.0.2:7200" in report["findings"][0]["statement"]


@pytest.mark.parametrize(
    ("break_it", "address", "says"),
    [
        ("ip -n box link set eth0 down", "10.9.0.2", "set eth0 up in box"),
        ("ip -n box addr flush dev eth0; ip -n box addr add fd00::2/64 dev eth0 nodad", "127.0.0.1", "listen on ::"),
    ],
)
def test_what_is_advised_is_what_is_missing(joined: Host, break_it: str, address: str, says: str) -> None:
    serve(joined, "box", address)
    joined.sh(break_it)
    assert says in asked(joined, "host", "box")["findings"][0]["fixes"][0]["say"]


def test_a_family_is_heeded(joined: Host) -> None:
    joined.sh("ip addr add fd00::1/64 dev va nodad; ip -n box addr add fd00::2/64 dev eth0 nodad")
    serve(joined, "box", "127.0.0.1")
    fixes = first_of(joined, "localhost:7200", "--from", "host", "--to", "box", "-6")["fixes"]
    assert "or on fd00::2 alone" in fixes[0]["say"]


def test_a_command_asks_in_the_namespace_whatever_its_name(joined: Host) -> None:
    joined.sh("ip netns add 'a b;c'; ip -n 'a b;c' link set lo up; "
              "ip link add v0 type veth peer name v1 netns 'a b;c'; "
              "ip addr add 10.8.0.1/24 dev v0; ip link set v0 up; ip -n 'a b;c' addr add 10.8.0.2/24 dev v1; "
              "ip -n 'a b;c' link set v1 up")  # fmt: skip
    serve(joined, "", "0.0.0.0")
    run = asked(joined, "a b;c", "host")["findings"][0]["fixes"][0]["run"]
    assert run == "loopdiag connect 10.8.0.1:7200 --netns 'a b;c'"
    assert joined.loopdiag(*shlex.split(run)[1:]).returncode == 0


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_an_empty_name_is_wrong_usage(joined: Host, option: str) -> None:
    done = joined.loopdiag("why", "localhost:7200", option, "")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_where_ended_children_are_ignored(joined: Host) -> None:
    serve(joined, "box", "0.0.0.0")
    words = "-m loopdiag why 10.9.0.2:7200 --from host --to box"
    joined.sh(f"cd {PROJECT}; trap '' CHLD; exec {sys.executable} {words}")


def test_a_socket_whose_owner_went_elsewhere_is_asked_where_it_is(joined: Host) -> None:
    joined.python(
        "import ctypes, os, socket, time; own = os.open('/proc/self/ns/net', 0); move = ctypes.CDLL(None).setns\n"
        "move(os.open('/run/netns/box', 0), 0); s = socket.create_server(('127.0.0.1', 7200)); move(own, 0)\n"
        "print(1, flush=True)\nwhile True: c = s.accept()[0]; c.sendall(b'220 ready\\r\\n'); c.close()"
    )
    run = first_of(joined, "127.0.0.1:7200")["fixes"][-1]["run"]
    assert run == "loopdiag connect --netns box 127.0.0.1:7200"
    assert joined.loopdiag(*shlex.split(run)[1:]).returncode == 0
