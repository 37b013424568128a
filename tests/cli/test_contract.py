"""The contract that scripts rely on: the envelope of every command, the exit codes, the help."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from loopdiag.cli.app import COMMANDS

PROJECT = Path(__file__).resolve().parents[2]
VALIDATOR = Draft202012Validator(json.loads((PROJECT / "docs" / "report.schema.json").read_text()))

ASKED = [
    ["why", "localhost"],
    ["why", "127.0.0.1:{closed}"],
    ["why", "127.0.0.1:{open}"],
    ["why", "http://127.0.0.1:{closed}/"],
    ["why", "udp://127.0.0.1:{closed}"],
    ["why", "unix:/nonexistent.sock"],
    ["ping", "-c", "2", "-i", "0.2", "127.0.0.1"],
    ["ping", "-c", "1", "::1"],
    ["connect", "127.0.0.1:{open}"],
    ["connect", "127.0.0.1:{closed}"],
    ["connect", "--udp", "127.0.0.1:{closed}"],
    ["resolve", "localhost"],
    ["resolve", "127.1"],
    ["route", "127.0.0.1"],
    ["route", "::1"],
    ["interfaces"],
    ["bind-test", "127.0.0.1"],
    ["bind-test", "0.0.0.0"],
    ["bind-test", "127.0.0.1", "--port", "{open}"],
    ["bind-test", "127.0.0.1", "--udp"],
    ["trace", "127.0.0.1"],
    ["compare", "127.0.0.1"],
    ["doctor"],
]


class Patient(socketserver.BaseRequestHandler):
    """Waits for the client to speak, and says nothing."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while self.request.recv(4096):
                pass


@pytest.fixture(scope="module")
def ports() -> Any:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Patient) as server, socket.socket() as bound:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        bound.bind(("127.0.0.1", 0))  # taken, so that nobody listens there meanwhile
        yield {"open": server.server_address[1], "closed": bound.getsockname()[1]}
        server.shutdown()


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loopdiag", *words], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="the probes are tested on Linux")
@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_every_command_prints_the_envelope(words: list[str], ports: dict[str, int]) -> None:
    done = run(*(word.format(**ports) for word in words), "--json")
    document = json.loads(done.stdout)
    VALIDATOR.validate(document)
    assert document["command"] == words[0]
    assert done.returncode == {"works": 0, "degraded": 0, "broken": 1, "unknown": 3}[document["verdict"]]
    for finding in document["findings"]:
        assert finding["evidence"], finding


@pytest.mark.skipif(sys.platform != "linux", reason="the probes are tested on Linux")
@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_every_page_is_plain_where_it_is_no_terminal(words: list[str], ports: dict[str, int]) -> None:
    done = run(*(word.format(**ports) for word in words))
    assert "\x1b" not in done.stdout
    assert done.stdout.endswith("\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: loopdiag")
    assert "loopdiag " + name in done.stdout.split("Usage", 1)[1]


def test_readme_and_help_know_the_same_commands() -> None:
    readme = (PROJECT / "README.md").read_text()
    for name in COMMANDS:
        assert f"| `{name}" in readme, f"{name} is missing from README.md"


def test_colour_follows_the_variables() -> None:
    assert "\x1b[" in run("resolve", "127.1", FORCE_COLOR="1").stdout
    assert "\x1b[" not in run("resolve", "127.1", FORCE_COLOR="1", NO_COLOR="1").stdout
    assert "\x1b[" not in run("resolve", "127.1", "--no-color", FORCE_COLOR="1").stdout


def test_quiet_is_one_verdict(ports: dict[str, int]) -> None:
    done = run("connect", f"127.0.0.1:{ports['open']}", "-q")
    assert done.stdout.startswith("works: ")


def test_output_goes_to_the_file_whole(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    done = run("resolve", "127.1", "--json", "--output", str(file))
    assert done.stdout == ""
    VALIDATOR.validate(json.loads(file.read_text()))
    assert list(tmp_path.iterdir()) == [file]


def test_a_reader_that_goes_away_is_no_fault() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m loopdiag explain | true"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device of Linux and FreeBSD")
@pytest.mark.parametrize("command", ["explain", "--help", "resolve 127.1", "listeners --json"])
def test_output_that_cannot_be_written_is_a_sentence(command: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m loopdiag {command} >/dev/full"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "loopdiag: the output cannot be written: No space left on device\n")


def test_without_stdout_and_stderr_the_exit_code_is_left() -> None:
    for words, code in (("resolve 127.1", 0), ("why 127.0.0.1:99999", 2)):
        done = subprocess.run(["sh", "-c", f"{sys.executable} -m loopdiag {words} >&- 2>&-"], timeout=30, check=False)
        assert done.returncode == code


def test_a_bug_of_ours_has_its_own_exit_code() -> None:
    code = "import loopdiag.cli.why as w, sys; w.why.callback = lambda **_: 1 / 0\n" \
           "from loopdiag.cli.main import main; sys.exit(main(['why', 'localhost']))"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 4
    assert "a bug in loopdiag: ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
