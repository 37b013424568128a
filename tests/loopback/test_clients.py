"""`--clients` against a listener of this machine's own: the page, the document, and what cannot be asked."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tests.host import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json.loads((PROJECT / "docs" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def loopdiag(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loopdiag", *words], capture_output=True, text=True, timeout=60, cwd=PROJECT
    )


def rows(*words: str) -> list[dict[str, Any]]:
    document = json.loads(loopdiag(*words, "--json").stdout)
    Draft202012Validator(SCHEMA).validate(document)
    found: list[dict[str, Any]] = document["clients"]
    return found


def test_the_page_fits_and_says_how_each_ends(port: int) -> None:
    page = loopdiag("why", f"tcp://127.0.0.1:{port}", "--timeout", "300ms", "--clients", "-v").stdout
    assert max(map(len, page.splitlines())) <= 80
    assert "reaches 127.0.0.1 at once" in page
    assert "source: " in page


def test_the_document_has_a_row_for_each(port: int) -> None:
    found = rows("why", f"tcp://127.0.0.1:{port}", "--timeout", "300ms", "--clients")
    assert len(found) > 15
    assert {row["address"] for row in found} == {"127.0.0.1"}


def test_the_protocol_of_the_target_picks_the_clients(port: int) -> None:
    found = rows("why", f"postgres://127.0.0.1:{port}", "--timeout", "300ms", "--clients")
    assert [row["client"] for row in found] == ["psql"]


def test_a_name_alone_gives_addresses_without_outcomes() -> None:
    found = rows("resolve", "localhost", "--client", "curl", "--client", "java")
    assert {row["client"].split()[0] for row in found} == {"curl", "Java"}
    assert all(row["addresses"] and row["ending"] == "unknown" for row in found)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("why", "unix:/run/x", "--clients"), "TCP ports"),
        (("why", "udp://127.0.0.1:1", "--clients"), "TCP ports"),
        (("resolve", "localhost", "--verify"), "needs a port"),
        (("why", "127.0.0.1", "--client", "gopher"), "no client that is known"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(words: tuple[str, ...], says: str) -> None:
    done = loopdiag(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
