from __future__ import annotations

import re
from pathlib import Path

import pytest

from loopdiag.lab.words import WORDS, unescape

ARCHITECTURE = Path(__file__).resolve().parents[3] / "docs" / "architecture.md"


def test_the_document_tells_every_word_and_no_other() -> None:
    table = ARCHITECTURE.read_text().partition("| step | does |")[2].partition("\n\n")[0]
    first_cells = [re.split(r"(?<!\\)\|", line)[1] for line in table.splitlines() if line.startswith("| `")]
    told = {code.split()[0] for cell in first_cells for code in re.findall(r"`([^`]+)`", cell)}
    assert told - {"at"} == set(WORDS)


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("127.0.0.1 localhost\\r", b"127.0.0.1 localhost\r"),
        ("\\xef\\xbb\\xbf127.0.0.1 a", b"\xef\xbb\xbf127.0.0.1 a"),
        ("a\\tb\\nc", b"a\tb\nc"),
        ("C:\\\\x41", b"C:\\x41"),
        ("\\q \\", b"\\q \\"),
        ("ü", "ü".encode()),
    ],
)
def test_escapes(text: str, raw: bytes) -> None:
    assert unescape(text) == raw
