"""The health checks of docs/ci.md, run as their hosts run them: exit code and output."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.documented import blocks, lines
from tests.host import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = PROJECT / "docs" / "ci.md"
BIN = Path(sys.executable).parent
pytestmark = pytest.mark.skipif(os.name != "posix", reason="containers and units are a matter of Linux")


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def serving() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def closed() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def sh(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, timeout=60, cwd="/",
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
    )  # fmt: skip


def healthcheck(port: int) -> subprocess.CompletedProcess[str]:
    text = next(block.text for block in blocks(PAGE) if block.language == "dockerfile")
    command = re.search(r"^\s+CMD (.+)$", text, re.MULTILINE)
    assert command
    return sh(command[1].replace("localhost:8080", f"127.0.0.1:{port}"))


def test_dockers_health_check(serving: int, closed: int) -> None:
    """Docker reserves all exit codes but 0 and 1."""
    good, bad = healthcheck(serving), healthcheck(closed)
    assert (good.returncode, bad.returncode) == (0, 1)
    assert len(good.stdout.splitlines()) == len(bad.stdout.splitlines()) == 1


def of(command: str, port: int) -> subprocess.CompletedProcess[str]:
    """The documented list of words that begins with `command`, for another port."""
    words = next(line.words for line in lines(PAGE) if line.words[:2] == (command, "-q"))
    return sh(" ".join(["loopdiag", *(word.replace(":8080", f":{port}") for word in words)]))


def test_the_kubelets_probe(serving: int, closed: int) -> None:
    assert of("connect", serving).returncode == 0
    assert of("connect", closed).returncode == 1


def test_the_custom_plugin_of_node_problem_detector() -> None:
    done = of("why", 0)
    assert done.returncode in (0, 1, 3)
    assert done.stdout[:80].partition(":")[0] in ("works", "degraded", "broken", "unknown")
