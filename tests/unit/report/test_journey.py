"""The page of a journey, made of traces of real kernels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loopdiag.diagnose.ending import ending
from loopdiag.host.linux.trace.journey import journey_in
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.report import Report, Verdict
from loopdiag.report.formats import Layout, render
from loopdiag.report.json import document

TRACES = Path(__file__).parents[1] / "host" / "traces"
SEEN = TcpConnect(address="127.0.0.1", port=7000, outcome=Outcome.TIMED_OUT, seconds=0.1)


def report(name: str, task: str = "loopdiag") -> Report:
    journey = journey_in((TRACES / f"{name}.txt").read_text(), task)
    extra = {"journey": journey.events, "ending": ending(journey, SEEN), "crossing": journey.crossing, "lost_events": 3}
    return Report(command="trace", started=datetime.now(UTC), seconds=0.1, target=None, verdict=Verdict.BROKEN,
                  summary="s", observations=(SEEN,), extra=extra)  # fmt: skip


@pytest.mark.parametrize("path", sorted(TRACES.glob("*.txt")), ids=lambda path: path.stem)
@pytest.mark.parametrize("verbose", [0, 1])
def test_it_fits_80_columns(path: Path, verbose: int) -> None:
    page = render(report(path.stem), "table", Layout(verbose=verbose))
    assert max(map(len, page.splitlines())) <= 80
    assert "3 events of this machine found no room" in " ".join(page.split())


def test_a_short_story_leaves_out_what_repeats() -> None:
    short = render(report("connect"), "table", Layout())
    assert len(short.splitlines()) < 60
    assert short.count("loopback_xmit") == 1
    assert render(report("connect"), "table", Layout(verbose=1)).count("loopback_xmit") == 6


def test_a_packet_that_vanished_is_followed_to_where_it_was_used_up() -> None:
    assert "used up in tcp_rcv_state_process" in render(report("accept-queue-full"), "table", Layout())


def test_a_process_name_cannot_move_the_cursor() -> None:
    assert "\x1b" not in render(report("ping", task="\x1b[2J"), "table", Layout())


def test_json_has_every_step_and_hides_our_own_marks() -> None:
    data = document(report("dropped"))
    assert {"event", "at", "device", "packet", "context", "task", "cpu", "reason", "says", "place"} == set(
        data["journey"][0]
    )
    assert [step["reason"] for step in data["journey"] if step["reason"]] == ["NETFILTER_DROP"]
    assert data["crossing"]["packets"] == {"lo": 1}


def test_an_attached_journey_is_shown_with_the_other_command() -> None:
    page = render(replace(report("ping"), command="an-unknown-command"), "table", Layout())
    assert "crossed  lo" in page
