"""A client that is kept ends with us, and a Firefox that is none, or is of another kind, is no answer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from loopdiag.probes.client_firefox_profile import settings, write_profile
from loopdiag.probes.client_process import kept
from loopdiag.probes.client_programs import COMMANDS
from loopdiag.probes.clients import run_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are ended by signals")
SLEEP = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
# Speaks as Firefox does, up to the point where it is asked in words that it does not know.
OTHER = """#!{python}
import json, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[sys.argv.index("--start-debugger-server") + 1])
server.listen()
talk = server.accept()[0]
def say(packet): talk.sendall(b"%d:%s" % (len(packet), packet))
say(json.dumps({{"from": "root", "applicationType": "browser"}}).encode())
talk.recv(2000)
say({answer!r})
talk.recv(2000)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "folder"
    made.mkdir()
    yield made
    assert not made.exists()


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_exits_as_the_words_do_and_its_folder_is_deleted(folder: Path) -> None:
    with kept([sys.executable, "-c", "print('said'); raise SystemExit(7)"], {}, str(folder), 20) as process:
        out, _ = process.communicate(timeout=20)
    assert (out, process.returncode) == ("said\n", 7)


def test_it_is_ended_after_the_block(folder: Path) -> None:
    with kept(SLEEP, {}, str(folder), 50) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
    assert not is_there(pid)


def test_it_is_ended_after_its_time(folder: Path) -> None:
    with kept(SLEEP, {}, str(folder), 0.5) as process:
        out, _ = process.communicate(timeout=20)
    assert not is_there(int(out))
    assert process.returncode != 0


def test_it_is_ended_where_we_are_killed(folder: Path) -> None:
    script = f"""
import os, sys
from loopdiag.probes.client_process import kept
with kept({SLEEP!r}, {{}}, {str(folder)!r}, 50) as process:
    print(process.stdout.readline(), end="", flush=True)
    os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=30, check=False)
    deadline = time.monotonic() + 10
    while (is_there(int(done.stdout)) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_there(int(done.stdout))


def test_what_cannot_be_started_leaves_no_folder(folder: Path) -> None:
    with kept(["/dev/null/none"], {}, str(folder), 20) as process:
        process.communicate(timeout=20)
    assert process.returncode != 0


@pytest.mark.parametrize("answer", [
    b'{"from": "root", "error": "unrecognizedPacketType"}', b'{"from": "root"}', b"[]", b"no JSON",
], ids=str)  # fmt: skip
def test_a_firefox_that_speaks_otherwise_is_no_answer(tmp_path: Path, answer: bytes) -> None:
    other = tmp_path / "firefox"
    other.write_text(OTHER.format(python=sys.executable, answer=answer))
    other.chmod(0o755)
    assert run_client("firefox", str(other), "localhost", 1, "http") is None


def test_a_firefox_that_ends_at_once_is_no_answer() -> None:
    began = time.monotonic()
    assert run_client("firefox", "/bin/true", "localhost", 1, "http") is None
    assert time.monotonic() - began < COMMANDS["firefox"].seconds


def test_only_the_host_itself_is_asked_without_the_proxy_that_is_not_there(tmp_path: Path) -> None:
    assert settings("fd00::7")["network.proxy.no_proxies_on"] == "[fd00::7]"
    write_profile(tmp_path, 'b"x')
    assert 'user_pref("network.proxy.no_proxies_on", "b\\"x");' in (tmp_path / "user.js").read_text()
