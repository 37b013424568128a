from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from loopdiag.diagnose.doctor import CHECKS

if TYPE_CHECKING:
    from tests.host import Host

pytestmark = pytest.mark.needs("root", "ip")


def states(report: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in report["checkup"]}


@pytest.fixture
def well(host: Host) -> Host:
    host.sh("ip link set lo up; hostname workshop")
    host.file("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 workshop\n")
    return host


def test_a_healthy_host_has_nothing_to_mend(well: Host) -> None:
    report = well.report("doctor")
    assert report["verdict"] == "works"
    assert report["findings"] == []
    assert set(states(report).values()) == {"passed"}
    assert list(states(report)) == [check.name for check in CHECKS]


def test_it_fits_one_screen(well: Host) -> None:
    page = well.loopdiag("doctor").stdout.splitlines()
    assert len(page) <= 26
    assert max(map(len, page)) <= 80


def test_lo_down_is_the_root_and_comes_first(host: Host) -> None:
    report = host.report("doctor")
    assert report["verdict"] == "broken"
    assert report["findings"][0]["cause"] == "loopback-down"
    assert states(report)["echo-ipv4"] == "failed"


def test_ipv6_that_is_switched_off_warns_where_localhost_has_it(well: Host) -> None:
    """So it is in many containers, whose hosts file gives localhost ::1 all the same: clients go on to 127.0.0.1."""
    well.sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
    report = well.report("doctor")
    assert (report["verdict"], report["findings"][0]["cause"]) == ("degraded", "ipv6-disabled")
    assert {name for name, state in states(report).items() if state != "passed"} == {
        "localhost",
        "echo-ipv6",
        "tcp-ipv6",
    }
    assert well.loopdiag("doctor").returncode == 0


@pytest.mark.needs("nft")
def test_a_filter_on_loopback_fails_tcp_and_names_the_rule(well: Host) -> None:
    well.sh("nft 'table inet x { chain y { type filter hook input priority 0; meta l4proto tcp drop; }; }'")
    report = well.report("doctor", "--only", "tcp-ipv4")
    assert states(report)["tcp-ipv4"] == "failed"
    assert report["findings"][0]["cause"] == "filter-drops"


def test_proxy_variables_that_catch_localhost_warn(well: Host) -> None:
    caught = well.report("doctor", "--only", "proxies", env={"http_proxy": "http://127.0.0.1:9"})
    assert states(caught)["proxies"] == "warned"
    free = {"http_proxy": "http://127.0.0.1:9", "no_proxy": "localhost,127.0.0.1,::1"}
    assert states(well.report("doctor", "--only", "proxies", env=free))["proxies"] == "passed"


def test_a_stopped_listener_fails(well: Host) -> None:
    server = "import socket, os, signal; s = socket.create_server(('127.0.0.1', 7777)); print('r', flush=True);"
    well.start(sys.executable, "-c", f"{server} os.kill(os.getpid(), signal.SIGSTOP)")
    report = well.report("doctor", "--only", "accepting")
    assert report["findings"][0]["cause"] == "listener-stopped"


def test_strict_makes_a_warning_count(well: Host) -> None:
    env = {"http_proxy": "http://127.0.0.1:9"}
    assert well.loopdiag("doctor", "--only", "proxies", env=env).returncode == 0
    assert well.loopdiag("doctor", "--only", "proxies", "--strict", env=env).returncode == 1


def test_a_wrong_name_is_told_with_the_nearest(well: Host) -> None:
    said = well.loopdiag("doctor", "--only", "tcp-ipv5")
    assert said.returncode == 2
    assert "did you mean tcp-ipv" in said.stderr


def test_without_privilege_it_says_what_it_could_not_see(well: Host) -> None:
    well.sh("sysctl -qw net.ipv4.ping_group_range='1 0'")
    report = well.report("doctor", user="nobody")
    assert report["verdict"] == "degraded"
    assert report["findings"][0]["cause"] == "icmp-not-permitted"
    assert {name for name, state in states(report).items() if state != "passed"} == {"echo-ipv4", "echo-ipv6"}
    assert report["unknown"]


@pytest.mark.needs("tc")
def test_a_discipline_on_lo_warns_where_it_slows_and_passes_where_it_does_not(well: Host) -> None:
    well.sh("tc qdisc add dev lo root handle 1: htb default 10")
    well.sh("tc class add dev lo parent 1: classid 1:10 htb rate 10gbit")
    assert states(well.report("doctor", "--only", "queueing"))["queueing"] == "passed"
    well.sh("tc qdisc del dev lo root; tc qdisc add dev lo root tbf rate 8kbit burst 2000 limit 4000")
    slow = well.report("doctor", "--only", "queueing")
    assert states(slow)["queueing"] == "warned"
    assert "8000 bit/s" in slow["findings"][0]["statement"]


@pytest.mark.needs("nft")
def test_an_ordinary_user_is_told_that_a_filter_drops(well: Host) -> None:
    well.sh("nft 'table inet x { chain y { type filter hook input priority 0; policy drop; }; }'")
    report = well.report("doctor", "--only", "tcp-ipv4", user="nobody")
    assert (report["findings"][0]["cause"], report["findings"][0]["certainty"]) == ("filter-drops", "likely")
