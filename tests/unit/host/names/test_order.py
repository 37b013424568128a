"""nsswitch.conf, resolv.conf and gai.conf."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopdiag.host.linux.names.nsswitch import default_services, parse_services
from loopdiag.host.linux.names.read import read_names
from loopdiag.host.linux.names.resolv import parse_resolv, read_gai

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("content", "services", "line"),
    [
        ("hosts: files dns\n", ("files", "dns"), 1),
        ("hosts:files\n", ("files",), 1),
        ("passwd: files\n  hosts:\tfiles [NOTFOUND=return] dns\r\n", ("files", "[NOTFOUND=return]", "dns"), 2),
        ("hosts: dns # files\n", ("dns", "#", "files"), 1),
        ("hosts files\n", ("files",), 1),
        ("hosts: [NOTFOUND=return] files\n", (), 1),
        ("hosts: files mdns4_minimal [NOTFOUND=return] dns", ("files", "mdns4_minimal", "[NOTFOUND=return]", "dns"), 1),
        ("hosts: resolve [!UNAVAIL=return] files", ("resolve", "[!UNAVAIL=return]", "files"), 1),
        ("hosts: dns\nhosts: files\n", ("files",), 2),
        ("hosts:\n", (), 1),
        ("#hosts: files\n", (), None),
        ("Hosts: files\n", (), None),
        ("\ufeffhosts: files\n", (), None),
        ("", (), None),
    ],
)  # fmt: skip
def test_the_hosts_line(content: str, services: tuple[str, ...], line: int | None) -> None:
    assert parse_services(content.encode()) == (services, line, None)


def test_a_comment_within_a_line_counted_as_one_until_2_33() -> None:
    assert parse_services(b"hosts: files # [once dns]\n", (2, 31)) == (("files",), 1, None)


@pytest.mark.parametrize(
    "content",
    ["hosts: files [NOTFOUND=bogus] dns\n", "hosts: files [NOTFOUND=return\n", "hosts: files\npasswd: files [X=y]\n",
     "hosts: files # [a comment]\n"],
)  # fmt: skip
def test_one_bad_line_spoils_all(content: str) -> None:
    assert parse_services(content.encode()).spoilt == content.count("\n")


def test_a_line_of_no_database_spoils_nothing() -> None:
    assert parse_services(b"hosts: files [ !UNAVAIL = return success=merge] dns\nsudoers: files [X=y]\n").spoilt is None


def test_the_default_changed() -> None:
    assert default_services((2, 36))[0] == "files"
    assert default_services((2, 31)) == ("dns", "[!UNAVAIL=return]", "files")


@pytest.mark.parametrize(
    ("content", "servers", "named"),
    [
        ("nameserver 10.0.0.1\nnameserver fe80::1%eth0\n", ("10.0.0.1", "fe80::1%eth0"), True),
        ("# nameserver 10.0.0.1\n;nameserver 10.0.0.2\n", ("127.0.0.1",), False),
        ("nameserver\n", ("127.0.0.1",), False),
        (
            "\n".join(f"nameserver 10.0.0.{number}" for number in range(1, 6)),
            ("10.0.0.1", "10.0.0.2", "10.0.0.3"),
            True,
        ),
    ],
)
def test_name_servers(content: str, servers: tuple[str, ...], named: bool) -> None:
    found = parse_resolv(content.encode())
    assert (found.servers, found.named) == (servers, named)


def test_the_last_search_line_counts() -> None:
    assert parse_resolv(b"domain a.test\nsearch b.test c.test\n").search == ("b.test", "c.test")


def test_gai_conf(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/gai.conf").write_text(
        "# precedence ::1/128 50\nprecedence  ::ffff:0:0/96  100 # IPv4 first\nreload yes\n"
    )
    assert read_gai(tmp_path) == ("precedence ::ffff:0:0/96 100",)


def test_a_folder_is_a_host(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 alpha\n")
    (tmp_path / "etc/nsswitch.conf").write_text("hosts: files\n")
    found = read_names("localhost", "alpha", tmp_path)
    assert [line.address for line in found.lines()] == ["127.0.0.1"]
    assert [line.address for line in found.host_name_lines] == ["127.0.1.1"]
    assert found.servers == ("127.0.0.1",)
    assert not found.servers_named
