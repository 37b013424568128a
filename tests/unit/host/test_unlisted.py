"""Whether the kernel's lists of sockets may lack any, from files of a real kernel (Debian's Linux 5.10.0-46)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopdiag.host.linux.unlisted import all_listed, read_unlisted

if TYPE_CHECKING:
    from pathlib import Path

# A listener, a connection that waits for accept(), and a socket that is bound and does nothing else.
SOCKSTAT = """sockets: used 3
TCP: inuse 2 orphan 0 tw 1 alloc 3 mem 1
UDP: inuse 0 mem 0
UDPLITE: inuse 0
RAW: inuse 0
FRAG: inuse 0 memory 0
"""
SOCKSTAT6 = "TCP6: inuse 0\nUDP6: inuse 0\nUDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    net = tmp_path / "proc/thread-self/net"
    net.mkdir(parents=True)
    (net / "sockstat").write_text(SOCKSTAT)
    (net / "sockstat6").write_text(SOCKSTAT6)
    return tmp_path


def test_more_sockets_than_the_lists_hold(host: Path) -> None:
    assert not all_listed(host)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sockstat", SOCKSTAT.replace("alloc 3", "alloc 2")),
        ("sockstat6", SOCKSTAT6.replace("TCP6: inuse 0", "TCP6: inuse 1")),
    ],
)
def test_all_are_in_the_lists_of_one_family_or_the_other(host: Path, name: str, text: str) -> None:
    (host / "proc/thread-self/net" / name).write_text(text)
    assert all_listed(host)
    assert read_unlisted(release="5.10.0-46-amd64", root=host) == ()


def test_a_kernel_without_ipv6(host: Path) -> None:
    (host / "proc/thread-self/net/sockstat6").unlink()
    assert not all_listed(host)


def test_what_cannot_be_counted_is_looked_for(tmp_path: Path) -> None:
    assert not all_listed(tmp_path)


@pytest.mark.parametrize("release", ["6.8.0-31-generic", "6.18.0", "7.0.0-rc1"])
def test_a_kernel_that_lists_them_is_not_asked_twice(host: Path, release: str) -> None:
    assert read_unlisted(release=release, root=host) == ()
