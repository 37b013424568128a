"""`why --from --to`: two namespaces joined by a veth pair, and a third that nothing leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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
