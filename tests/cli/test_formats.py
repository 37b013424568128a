"""The formats through the installed command: exit codes, files written whole, what a monitoring system is told."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from loopdiag.cli.main import main
from loopdiag.report.formats import FORMATS
from tests.host import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def loopdiag(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loopdiag", *words],
        capture_output=True, text=True, timeout=60, cwd=PROJECT, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def listener() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def closed() -> Iterator[str]:
    """Bound and not listening: nobody else can take the port while the tests run."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_on_a_probing_command(name: str, listener: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connect", "--format", name, listener]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("\n")
    assert err == ""


def test_nagios_calls_a_broken_target_critical(closed: str) -> None:
    done = loopdiag("connect", "--format", "nagios", closed)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("LOOPDIAG CRITICAL - ")


@pytest.mark.parametrize("words", [("why", "--format", "nagios"), ("why", "--format=nagios", "a b")])
def test_nagios_is_told_unknown_where_nothing_ran(words: tuple[str, ...]) -> None:
    done = loopdiag(*words)
    assert done.returncode == 3
    assert re.fullmatch(r"LOOPDIAG UNKNOWN - [^|\n]+\n", done.stdout)


@pytest.mark.parametrize(
    ("words", "code", "command"),
    [
        (("why", "--json", "a b"), 2, "why"),
        (("interfaces", "--format=json", "--pid", "4000000"), 2, "interfaces"),
        (("why", "--format", "json"), 2, "why"),
        (("--json",), 2, "loopdiag"),
    ],
)
def test_json_is_one_document_where_nothing_ran_too(words: tuple[str, ...], code: int, command: str) -> None:
    done = loopdiag(*words)
    document = json.loads(done.stdout)
    assert (done.returncode, document["command"], document["verdict"]) == (code, command, "unknown")
    assert document["unknown"][0]["because"] == document["summary"]
    assert len(done.stderr.splitlines()) == 1
    jsonschema.validate(document, json.loads((PROJECT / "docs/report.schema.json").read_text()))


def test_the_words_of_another_program_ask_for_no_json() -> None:
    assert loopdiag("wait", "a b", "--", "curl", "--json").stdout == ""


def test_what_has_no_character_in_the_locale_is_written_plainly() -> None:
    done = loopdiag("doctor", "--only", "echo-settings", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.startswith("+ echo-settings")


def test_a_metrics_file_is_written_whole(tmp_path: Path, listener: str) -> None:
    file = tmp_path / "loopdiag.prom"
    file.write_text("old")
    done = loopdiag("connect", "--format", "prometheus", "--output", str(file), listener)
    assert (done.returncode, done.stdout) == (0, "")
    assert {family.name for family in text_string_to_metric_families(file.read_text())} >= {"loopdiag_up"}
    assert list(tmp_path.iterdir()) == [file]


def test_a_workflow_step_leaves_its_summary_and_outputs(tmp_path: Path, closed: str) -> None:
    page, results = tmp_path / "page", tmp_path / "results"
    done = loopdiag("connect", "--format", "github", closed, GITHUB_STEP_SUMMARY=str(page), GITHUB_OUTPUT=str(results))
    assert done.returncode == 1
    assert re.search(r"^::error title=loopdiag%3A [a-z-]+ \((proven|likely|possible)\)::", done.stdout, re.MULTILINE)
    assert page.read_text(encoding="utf-8").startswith("### ❌ connect 127.0.0.1")
    assert re.fullmatch(r"verdict=broken\ncause=[a-z-]+\n", results.read_text())
