"""Held against the grammar of the plugin development guidelines."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from loopdiag.cli.deliver import NAGIOS_EXIT
from loopdiag.model.echo import Statistics, Times
from loopdiag.model.report import Report, Verdict
from loopdiag.report.formats import Layout, render
from tests.unit.report.machine import DOCTOR, HEALTHY, NASTY, TROUBLED

NUMBER = r"-?\d+(?:\.\d+)?"
DATUM = re.compile(
    rf"'(?P<label>[^'=|\n]+)'=(?P<value>{NUMBER})(?P<unit>us|ms|s|%|B|KB|MB|GB|TB|c)?"
    rf"(?:;(?:{NUMBER})?(?:;(?:{NUMBER})?(?:;(?:{NUMBER})?(?:;(?:{NUMBER})?)?)?)?)?"
)
LINE = re.compile(r"LOOPDIAG (?P<word>OK|WARNING|CRITICAL|UNKNOWN) - (?P<text>[^|\n\x00-\x1f]+) \| (?P<data>[^|\n]+)\n")
WORDS = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}


def read(report: Report) -> tuple[str, str, dict[str, tuple[float, str | None]]]:
    line = LINE.fullmatch(render(report, "nagios", Layout()))
    assert line
    data: dict[str, tuple[float, str | None]] = {}
    rest = line["data"]
    while rest:
        found = DATUM.match(rest)
        if found is None:
            pytest.fail(f"no performance data: {rest}")
        assert found["label"] not in data
        data[found["label"]] = float(found["value"]), found["unit"]
        rest = rest[found.end() :].removeprefix(" ")
    return line["word"], line["text"], data


def test_what_works() -> None:
    word, text, data = read(HEALTHY)
    assert (word, text) == ("OK", "localhost:3000 answers")
    assert data["time"] == (0.0421, "s")
    assert data["attempts"][0] == 1
    assert data["failed"][0] == 0
    assert data["tcp-connect 127.0.0.1:3000"] == (0.000021, "s")


def test_what_is_broken_begins_with_its_cause() -> None:
    word, text, data = read(TROUBLED)
    assert word == "CRITICAL"
    assert text.startswith("listener-other-family: ")
    assert data["failed"][0] == 1


@pytest.mark.parametrize("verdict", list(Verdict))
def test_word_and_exit_code_agree(verdict: Verdict) -> None:
    assert WORDS[read(replace(TROUBLED, verdict=verdict))[0]] == NAGIOS_EXIT[verdict]


def test_a_long_sentence_is_cut() -> None:
    _, text, _ = read(replace(TROUBLED, summary=NASTY * 40))
    assert len(text) <= 600


def test_a_ping_has_the_names_of_check_ping() -> None:
    times = Times(min=1e-6, avg=1e-6, max=1e-6, mdev=0.0, p50=1e-6, p90=1e-6, p99=1e-6, ewma=1e-6)
    counts = Statistics(transmitted=3, received=2, duplicates=0, corrupted=0, errors=0, late=0, reordered=0,
                        send_failures=0, loss=1 / 3, seconds=2.0, rtt=times, kernel_rtt=None)  # fmt: skip
    _, _, data = read(replace(HEALTHY, extra={"statistics": counts}))
    assert data["rta"] == (0.000001, "s")
    assert data["pl"] == (33.3333, "%")


def test_a_checklist_counts_what_was_checked() -> None:
    _, _, data = read(DOCTOR)
    assert (data["attempts"][0], data["failed"][0]) == (2, 1)
    assert data["localhost"] == (0.001, "s")
