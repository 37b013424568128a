"""How real clients are found, watched and bounded: real programs and sockets on this machine's loopback."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopdiag.probes.client_installed import installed
from loopdiag.probes.client_peer import Watch
from loopdiag.probes.client_process import ended, filled, started, words_of
from loopdiag.probes.client_programs import Command
from loopdiag.probes.clients import run_client
from loopdiag.probes.source import sources_of

if TYPE_CHECKING:
    from collections.abc import Iterator

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net/tcp")


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def connect(port: int, address: str = "127.0.0.1") -> None:
    socket.create_connection((address, port)).close()


@linux
def test_a_new_connection_is_seen_even_after_it_is_over(port: int) -> None:
    with Watch([port]) as watch:
        connect(port)
    assert watch.peer(failed=False) == ("127.0.0.1", port)
    assert watch.peer(failed=True) is None


@linux
def test_what_was_there_before_is_not_taken_for_it(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)), Watch([port]) as watch:
        pass
    assert watch.peer(failed=False) is None


@linux
def test_two_addresses_are_no_answer() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        number = server.getsockname()[1]
        with Watch([number]) as watch:
            connect(number)
            connect(number, "127.0.0.2")
    assert watch.peer(failed=False) is None


def test_nothing_is_watched_for_no_port(port: int) -> None:
    with Watch([]) as watch:
        connect(port)
    assert watch.peer(failed=False) is None


@pytest.mark.skipif(os.name != "posix", reason="programs that are shell scripts")
def test_programs_are_found_under_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, version in (("node-18", "v18.20.8"), ("nodejs", "v20.1.0"), ("nodemon", "v1.0.0"), ("node16", "v16.0.0")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "mysql").write_text("#!/bin/sh\necho 'mysql  Ver 15.1 Distrib 10.11.19-MariaDB, for debian'\n")
    (tmp_path / "mysql").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    found = {
        Path(one.path).name: one.version for one in installed.__wrapped__("node") if tmp_path.as_posix() in one.path
    }
    assert found == {"node-18": (18, 20, 8), "nodejs": (20, 1, 0), "node16": (16, 0, 0)}
    (mysql,) = (one for one in installed.__wrapped__("mysql") if tmp_path.as_posix() in one.path)
    assert (mysql.version, mysql.build) == ((10, 11, 19), "mariadb")


def test_what_cannot_be_started_is_no_client(tmp_path: Path) -> None:
    assert run_client("curl", str(tmp_path), "localhost", 1, "http") is None
    assert run_client("curl", str(tmp_path / "curl"), "localhost", 1, "http") is None


def test_a_program_that_does_not_end_is_ended() -> None:
    began = time.monotonic()
    process = started([sys.executable, "-c", "import time; print('there', flush=True); time.sleep(60)"], {})
    out, _, over = ended(process, 2.0)
    assert (out.strip(), over) == ("there", False)
    assert process.returncode is not None
    assert time.monotonic() - began < 30


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize("removed_by_us", [True, False])
def test_a_folder_is_deleted_afterwards(removed_by_us: bool) -> None:
    command = Command(words=("-c", "echo {folder}; touch {folder}/file"))
    with words_of(command, "/bin/sh", {}) as words:
        folder, *_ = ended(started(words, {}), 10.0)[0].split()
        assert Path(folder).exists() is False  # by the shell, as if we had been killed before
        if removed_by_us:
            Path(folder).mkdir()
    assert not Path(folder).exists()


def test_braces_of_a_script_are_left_alone() -> None:
    assert filled("%{remote_ip} {url} {host, port}", {"url": "u", "host": "h"}) == "%{remote_ip} u {host, port}"


def test_the_source_of_a_destination() -> None:
    assert sources_of(["127.0.0.1", "no address"]) == {"127.0.0.1": "127.0.0.1"}
