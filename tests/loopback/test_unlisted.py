"""Bound sockets of other processes, as kernels before Linux 6.8 need them to be found."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loopdiag.host.linux.sock_diag import read_inet_sockets
from loopdiag.host.linux.unlisted import describe, search

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux' own way")

OPEN = """
import socket, time
bound, idle, served = socket.socket(), socket.socket(), socket.create_server(("127.0.0.1", 0))
six = socket.socket(socket.AF_INET6); bound.bind(("127.0.0.1", 0)); six.bind(("::1", 0))
print(*(one.getsockname()[1] for one in (bound, six, served)), flush=True)
time.sleep(600)
"""


@pytest.fixture
def ports() -> Iterator[list[int]]:
    with subprocess.Popen([sys.executable, "-c", OPEN], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        yield [int(port) for port in other.stdout.readline().split()]
        other.kill()


def test_they_are_found_through_the_process_that_has_them(ports: list[int]) -> None:
    four, six, served = ports
    found = {one.port: one for one in search(())[0]}
    assert found[four].local == f"127.0.0.1:{four}"
    assert found[six].local == f"[::1]:{six}"
    assert served not in found  # it listens


def test_they_are_told_as_a_kernel_that_lists_them_does(ports: list[int]) -> None:
    listed = {one.port: one for one in read_inet_sockets("tcp", port=ports[0])}
    if ports[0] not in listed:
        pytest.skip("this kernel does not list them: Linux before 6.8")
    ours = next(one for one in search(())[0] if one.port == ports[0])
    assert ours == listed[ports[0]]


def test_what_is_listed_is_not_looked_at(ports: list[int]) -> None:
    inode = next(one.inode for one in search(())[0] if one.port == ports[0])
    assert ports[0] not in {one.port for one in search({inode})[0]}


@pytest.mark.parametrize(
    ("family", "address", "only", "shown", "families"),
    [
        (socket.AF_INET, "0.0.0.0", None, "0.0.0.0", ("ipv4",)),
        (socket.AF_INET6, "::", 0, "::", ("ipv4", "ipv6")),
        (socket.AF_INET6, "::", 1, "::", ("ipv6",)),
        (socket.AF_INET6, "::ffff:127.0.0.1", 0, "127.0.0.1", ("ipv4",)),
    ],
)
def test_which_families_it_serves(
    family: int, address: str, only: int | None, shown: str, families: tuple[str, ...]
) -> None:
    with socket.socket(family) as one:
        if only is not None:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        one.bind((address, 0))
        told = describe(one)
    assert told is not None
    assert (told.address, told.families, told.state) == (shown, families, "BOUND")


def test_without_a_port_it_is_not_bound() -> None:
    with socket.socket() as one:
        assert describe(one) is None
