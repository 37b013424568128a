"""Settings and counters read from a directory that stands for a host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from loopdiag.host.linux.counters import read_counters
from loopdiag.host.linux.sysctls import read_sysctls
from loopdiag.model.counters import Counters
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from pathlib import Path

ZEROS = " 0" * 6
DEV = f"""Inter-|   Receive  |  Transmit
 face |bytes    packets errs ...
    lo:    1680      20 {ZEROS}   1680      20 {ZEROS}
eth0.7:       0       3 {ZEROS}      0       4 {ZEROS}
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    folder = tmp_path / "proc/thread-self/net"
    folder.mkdir(parents=True)
    (folder / "dev").write_text(DEV)
    (folder / "snmp").write_text("Ip: InReceives OutRequests\nIp: 7 8\nIcmp: InMsgs\nIcmp: -1\n")
    (folder / "netstat").write_text("TcpExt: ListenDrops\nTcpExt: 2\n")
    (folder / "snmp6").write_text("Ip6InReceives                   \t5\nIcmp6InMsgs\t6\n")
    return folder


def test_counters(net: Path, tmp_path: Path) -> None:
    found = read_counters(tmp_path)
    assert isinstance(found, Counters)
    assert found.received == {"lo": 20, "eth0.7": 3}
    assert found.sent == {"lo": 20, "eth0.7": 4}
    assert found.protocol == {
        "Ip.InReceives": 7, "Ip.OutRequests": 8, "Icmp.InMsgs": -1, "TcpExt.ListenDrops": 2, "Ip6.InReceives": 5,
        "Icmp6.InMsgs": 6,
    }  # fmt: skip


def test_a_kernel_without_ipv6_has_no_snmp6(net: Path, tmp_path: Path) -> None:
    (net / "snmp6").unlink()
    assert isinstance(read_counters(tmp_path), Counters)


@pytest.mark.parametrize("name", ["dev", "snmp"])
def test_counters_that_cannot_be_read(net: Path, tmp_path: Path, name: str) -> None:
    (net / name).unlink()
    assert isinstance(read_counters(tmp_path), Unknown)
    (net / name).write_text("Ip: a b\nIp: x y\nlo: x " + "y " * 20 + "\nlo: x " + "y " * 20)
    assert isinstance(read_counters(tmp_path), Unknown)


def test_settings(tmp_path: Path) -> None:
    folder = tmp_path / "proc/sys/net/ipv4/conf/eth0.7"
    folder.mkdir(parents=True)
    (folder / "rp_filter").write_text("2\n")
    name = "net.ipv4.conf.eth0/7.rp_filter"
    assert read_sysctls([name, "net.ipv4.no_such"], tmp_path) == {name: "2"}


def test_settings_without_proc(tmp_path: Path) -> None:
    (found,) = read_sysctls(["net.ipv4.ip_forward"], tmp_path).values()
    assert isinstance(found, Unknown)


@pytest.mark.needs("user")
def test_settings_that_may_not_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "proc/sys/net"
    folder.mkdir(parents=True)
    (folder / "secret").write_text("1\n")
    os.chmod(folder / "secret", 0)  # noqa: PTH101
    found = read_sysctls(["net.secret"], tmp_path)["net.secret"]
    assert isinstance(found, Unknown)
    assert "ask as root" in found.because
