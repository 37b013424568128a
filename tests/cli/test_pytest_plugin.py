"""The plugin as a project's own pytest run finds it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LATE = """
import socket, threading, time

def serve(holder):
    time.sleep(0.2)
    holder.listen()
    clients = []
    try:
        while True:
            clients.append(holder.accept()[0])
    except OSError:
        for client in clients:
            client.close()

def test_it(wait_for):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        threading.Thread(target=serve, args=(holder,), daemon=True).start()
        wait_for(f"127.0.0.1:{holder.getsockname()[1]}", timeout=30)
        socket.create_connection(holder.getsockname()).close()
        holder.shutdown(socket.SHUT_RDWR)  # wakes up accept()
"""


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """A pytest run of its own that loads this plugin alone."""
    (folder / "test_it.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "loopdiag", "-p", "no:cacheprovider", "test_it.py"],
        capture_output=True, text=True, timeout=120, cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
    )  # fmt: skip


def test_it_returns_when_the_target_answers(tmp_path: Path) -> None:
    done = run(tmp_path, LATE)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_time_out_fails_with_the_diagnosis(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        done = run(tmp_path, f"def test_it(wait_for):\n    wait_for('127.0.0.1:{port}', timeout=0.2)\n")
    assert done.returncode == 1
    assert f"127.0.0.1:{port} did not answer within 0.2 s" in done.stdout
    assert "broken: " in done.stdout
    assert "error bound-not-listening (proven)" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("target", ["", "a b"])
def test_what_cannot_be_a_target_fails_at_once(target: str, tmp_path: Path) -> None:
    done = run(tmp_path, f"def test_it(wait_for):\n    wait_for({target!r}, timeout=3600)\n")
    assert done.returncode == 1
    assert "UsageError" in done.stdout


def test_the_fixture_documents_itself(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--fixtures", "-q", "-p", "no:cacheprovider"],
        capture_output=True, text=True, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert "wait_for [session scope]" in done.stdout
