"""Which lines of a hosts file count for a name, and why the others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopdiag.host.linux.names.hosts import parse_hosts, read_hosts
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from pathlib import Path

    from loopdiag.model.names import HostsLine


def lines(content: str | bytes, name: str = "localhost") -> list[HostsLine]:
    return list(parse_hosts(content if isinstance(content, bytes) else content.encode(), name))


@pytest.mark.parametrize(
    "content",
    [
        "127.0.0.1 localhost",
        "127.0.0.1\tLOCALHOST\r\n",
        "  127.0.0.1 app localhost # ours\n",
        "# first\n\n127.0.0.1 localhost#here\n",
        "127.0.0.1 " + " ".join(f"n{number}" for number in range(5000)) + " localhost\n",
    ],
)
def test_a_line_counts(content: str) -> None:
    (line,) = lines(content)
    assert (line.address, line.fault) == ("127.0.0.1", None)
    assert len(line.text) <= 120


def test_the_line_number_is_that_of_an_editor() -> None:
    assert [line.line for line in lines("# a\n127.0.0.1 localhost\n\n::1 localhost\n")] == [2, 4]


@pytest.mark.parametrize(
    ("content", "fault", "meant"),
    [
        ("\ufeff127.0.0.1 localhost", "byte order mark", "127.0.0.1"),
        ("127.0.0.l localhost", "'127.0.0.l' is not an address", None),
        ("127.0.0.01 localhost", "leading zeros", "127.0.0.1"),
        ("127.1 localhost", "four numbers", "127.0.0.1"),
        ("256.0.0.1 localhost", "from 0 to 255", None),
        ("127.0.0.1:80 localhost", "not an address", "127.0.0.1"),
        ("::1%lo localhost", "zone", "::1"),
        ("[::1] localhost", "not an address", "::1"),
        ("127.0.0.1localhost", "no space", "127.0.0.1"),
        ("::1localhost", "no space", "::1"),
        ("127.0.0.1,localhost", "no space", "127.0.0.1"),
        ("127.0.0.1\u00a0localhost", "no-break", "127.0.0.1"),
        ("127.0.0.1 \u200blocalhost", "invisible", "127.0.0.1"),
        ("127.0.0.1 localhost,app", "parted by spaces", "127.0.0.1"),
        ("127.0.0.1 localhost:3000", "neither scheme nor port", "127.0.0.1"),
        ("127.0.0.1 http://localhost", "neither scheme nor port", "127.0.0.1"),
        ("127.0.0.1 #localhost", "comment", "127.0.0.1"),
        ("localhost 127.0.0.1", "before the address", "127.0.0.1"),
        ("127.0.0.1 localhost.", "final dot", "127.0.0.1"),
    ],
)
def test_a_line_that_was_meant_to_count(content: str, fault: str, meant: str | None) -> None:
    (line,) = lines(content)
    assert line.fault is not None
    assert fault in line.fault
    assert (line.meant, line.commented) == (meant, False)


@pytest.mark.parametrize("content", ["#127.0.0.1 localhost", "; 127.0.0.1 localhost", "// ::1 localhost"])
def test_a_line_that_was_taken_out(content: str) -> None:
    (line,) = lines(content)
    assert line.commented


@pytest.mark.parametrize(
    "content",
    [
        "127.0.0.1 mylocalhost localhost4 ip6-localhost",
        "# the line of localhost is gone",
        "127.0.0.1 db # localhost is elsewhere",
        "0.0.0.0 tracker.test",
        "",
    ],
)
def test_a_line_that_does_not_bear_on_the_name(content: str) -> None:
    assert lines(content) == []


def test_the_hosts_file_knows_no_wildcards() -> None:
    (line,) = lines("127.0.0.1 *.localhost", "app.localhost")
    assert line.fault is not None
    assert "wildcards" in line.fault


def test_a_question_with_a_final_dot_is_no_fault_of_the_line() -> None:
    (line,) = lines("127.0.0.1 localhost", "localhost.")
    assert line.commented


def test_utf16() -> None:
    (line,) = lines("127.0.0.1 localhost\r\n".encode("utf-16"))
    assert line.fault is not None
    assert "UTF-16" in line.fault


@pytest.mark.parametrize("content", [b"\xff\xfe\xfd\x00\x01 localhost\n", b"\x00" * 4096, b"127.0.0.1 \xe9 localhost"])
def test_garbage_is_no_exception(content: bytes) -> None:
    lines(content)


def test_a_missing_file_has_no_lines(tmp_path: Path) -> None:
    assert read_hosts("localhost", tmp_path) == ()


def test_a_folder_in_its_place_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "etc/hosts").mkdir(parents=True)
    found = read_hosts("localhost", tmp_path)
    assert isinstance(found, Unknown)
    assert found.what == "/etc/hosts"


@pytest.mark.parametrize(
    ("content", "read"),
    [("  127.0.0.1 localhost", "localhostst"), ("::1 localhost\n\t127.0.0.1 localhost", "localhostt")],
)
def test_a_last_line_with_white_space_before_it_and_no_line_end(content: str, read: str) -> None:
    *_, line = parse_hosts(content.encode(), "localhost", (2, 36))
    assert line.fault
    assert f"as '{read}'" in line.fault
    assert all(one.fault is None for one in parse_hosts(content.encode() + b"\n", "localhost", (2, 36)))
    assert all(one.fault is None for one in parse_hosts(content.encode(), "localhost"))


@pytest.mark.parametrize(
    "content", ["127.0.0.1 localhost", " 127.0.0.1 localhost other", " 127.0.0.1 localhost # here"]
)
def test_a_last_line_without_a_line_end_counts_all_the_same(content: str) -> None:
    (line,) = parse_hosts(content.encode(), "localhost", (2, 36))
    assert line.fault is None


def test_the_null_device_is_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hosts").symlink_to("/dev/null")
    assert read_hosts("localhost", tmp_path) == ()
