"""The verdict in a sentence: wrapped on a page, one line where it is all that is shown."""

from __future__ import annotations

from datetime import UTC, datetime

from loopdiag.model.facts import Facts
from loopdiag.model.report import Report, Verdict
from loopdiag.report.formats import Layout, render

LONG = "the loopback interface lo is down, " * 4 + "so nothing\ngets through"


def page(*, quiet: bool) -> list[str]:
    report = Report(
        command="why", started=datetime(2026, 1, 1, tzinfo=UTC), seconds=0.1, target=None, verdict=Verdict.BROKEN,
        summary=LONG, findings=(), observations=(), facts=Facts(), unknown=(), extra={},
    )  # fmt: skip
    return render(report, "table", Layout(width=80, quiet=quiet)).splitlines()


def test_a_page_is_wrapped() -> None:
    assert len(page(quiet=False)) > 1
    assert all(len(line) <= 80 for line in page(quiet=False))


def test_quiet_is_one_line_however_long() -> None:
    assert page(quiet=True) == ["broken: " + " ".join(LONG.split())]
