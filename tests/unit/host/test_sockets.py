"""Sockets from messages and files, good and bad; owners and processes from a directory that stands for a host."""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import TYPE_CHECKING

import pytest

from loopdiag.host.linux.namespaces import other_namespaces
from loopdiag.host.linux.netlink import attribute
from loopdiag.host.linux.proc_net import read_socket_files
from loopdiag.host.linux.sock_diag import MESSAGE, MESSAGE_SIZE, either_port, parse_socket
from loopdiag.host.linux.unix_sockets import parse_unix

if TYPE_CHECKING:
    from pathlib import Path

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0
   1: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: garbage
"""
TCP6 = """  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 0:0 00:0 0 5 0 4713 1 0
   1: 0000000000000000FFFF00000200007F:1F92 00000000000000000000000000000000:0000 0A 0:0 00:0 0 5 0 4714 1 0
"""


def message(family: int, state: int, address: str, port: int, **extra: bytes) -> bytes:
    packed = socket.inet_pton(family, address)
    body = MESSAGE.pack(
        family, state, socket.htons(port), 0, packed.ljust(16, b"\0"), bytes(16), 0, 99, 2, 128, 1000, 4711
    )
    assert len(body) == MESSAGE_SIZE
    return body + b"".join(attribute(int(kind[1:]), value) for kind, value in extra.items())


def test_a_wildcard_listener_serves_both_versions_unless_it_is_v6only() -> None:
    dual = parse_socket(message(socket.AF_INET6, 10, "::", 80, _11=b"\0"), "tcp", {})
    assert (dual.state, dual.families, dual.queue, dual.queue_limit) == ("LISTEN", ("ipv4", "ipv6"), 2, 128)
    only = parse_socket(message(socket.AF_INET6, 10, "::", 80, _8=b"\0", _11=b"\1"), "tcp", {})
    assert only.families == ("ipv6",)


def test_an_ipv4_mapped_address_is_the_ipv4_address_that_it_serves() -> None:
    found = parse_socket(message(socket.AF_INET6, 10, "::ffff:127.0.0.1", 80), "tcp", {})
    assert (found.address, found.families) == ("127.0.0.1", ("ipv4",))


def test_closed_is_bound_for_tcp_and_unconnected_for_udp() -> None:
    body = message(socket.AF_INET, 7, "127.0.0.1", 80)
    assert parse_socket(body, "tcp", {}).state == "BOUND"
    assert parse_socket(body, "udp", {}).state == "UNCONN"


@pytest.mark.parametrize("garbage", [b"", b"\2", bytes(MESSAGE_SIZE - 1)])
def test_a_cut_message_is_an_error_that_readers_catch(garbage: bytes) -> None:
    with pytest.raises((struct.error, ValueError)):
        parse_socket(garbage, "tcp", {})


def test_attributes_that_are_garbage_end() -> None:
    parse_socket(message(socket.AF_INET6, 10, "::", 80) + b"\0\0\0\0" + os.urandom(40), "tcp", {})


def test_the_filter_program_has_the_length_that_its_jumps_say() -> None:
    assert len(either_port(80)) == 8 + 4 + 8


def test_unix_names() -> None:
    def named(name: bytes) -> bytes:
        return struct.pack("=BBBBIII", 1, 1, 10, 0, 5, 0, 0) + attribute(0, name)

    path = parse_unix(named(b"/run/a.sock\0"))
    abstract = parse_unix(named(b"\0name"))
    assert path is not None
    assert path.path == "/run/a.sock"
    assert abstract is not None
    assert abstract.path == "@name"
    assert parse_unix(named(b"")) is None


@pytest.fixture
def net(tmp_path: Path) -> Path:
    for name, text in {"tcp": TCP, "tcp6": TCP6, "udp": "heading\n"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.skipif(sys.byteorder != "little", reason="the files are written as a little-endian machine does")
def test_files_of_proc_net(net: Path) -> None:
    found = read_socket_files(net, ("tcp", "udp"))
    assert [one.local for one in found] == ["127.0.0.1:8080", "127.0.0.1:54321", "[::]:8081", "127.0.0.2:8082"]
    first, second, *_ = found
    assert (first.state, first.queue, first.queue_limit, first.inode, first.uid) == ("LISTEN", 3, None, 4711, 1000)
    assert second.peer == "127.0.0.1:8080"


def test_files_by_port_and_state(net: Path) -> None:
    assert len(read_socket_files(net, ("tcp",), port=8080)) == 2
    assert len(read_socket_files(net, ("tcp",), port=8080, listening=True)) == 1


def test_a_missing_file_is_an_error_and_no_empty_list(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="tcp"):
        read_socket_files(tmp_path, ("tcp",))


def test_proc_net_leaves_open_whether_a_wildcard_serves_ipv4(tmp_path: Path) -> None:
    (tmp_path / "tcp").write_text(TCP)
    (tmp_path / "tcp6").write_text(TCP6)
    assert all(one.incomplete for one in read_socket_files(tmp_path, ("tcp",)))
    assert not parse_socket(message(socket.AF_INET6, 10, "::", 80), "tcp", {}).incomplete


def test_namespaces_of_one_name_have_their_path_as_name(tmp_path: Path) -> None:
    names = ("run/netns/box", "run/netns/web", "other/box", "other/db")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "proc/thread-self").mkdir(parents=True)
    lines = (f"1 1 0:4 net:[1] /{name} rw - nsfs nsfs rw" for name in names)
    (tmp_path / "proc/thread-self/mountinfo").write_text("\n".join(lines))
    found = {one.name for one in other_namespaces(tmp_path)}
    assert found == {"box", "web", str(tmp_path / "other/box"), "db"}
