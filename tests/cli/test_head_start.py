"""What is begun before the rest is loaded is what the command would read, and never of another place."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from loopdiag.cli import head_start
from loopdiag.model.unknown import Unknown

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other platforms have no reader for it")


@pytest.fixture(autouse=True)
def _nothing_stays_begun() -> None:
    head_start._begun.clear()


def pids(find: object, listener: socket.socket) -> list[int]:
    assert callable(find)
    inode = os.fstat(listener.fileno()).st_ino
    owners = find({inode})[inode]
    assert not isinstance(owners, Unknown)
    return [one.pid for one in owners]


def test_what_takes_long_to_load_is_loaded_after_it() -> None:
    code = (
        "import sys; from loopdiag.cli.head_start import begin; begin(['listeners']); "
        "print([name for name in ('typing', 're', 'dataclasses', 'click') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_listeners_finds_by_it_who_holds_a_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        head_start.begin(["listeners", "--json"])
        assert list(head_start._begun) == ["owners_ahead"]
        assert pids(head_start.begun("owners_ahead"), listener) == [os.getpid()]
        assert not head_start._begun
        assert pids(head_start.begun("owners_ahead"), listener) == [os.getpid()]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["why", "listeners"],
        ["listeners", "--help"],
        ["listeners", "--netns", "blue"],
        ["listeners", "80", "--pid=7"],
        ["listeners", "--container", "web"],
    ],
)
def test_nothing_is_begun_for_another_command_or_place(words: list[str]) -> None:
    head_start.begin(words)
    assert not head_start._begun
