"""The books: what is counted as what."""

from __future__ import annotations

import errno

from loopdiag.model.echo import EchoPlan
from loopdiag.model.observation import Outcome
from loopdiag.probes.icmp.ledger import KEPT, Ledger, observation
from loopdiag.probes.icmp.packet import Message
from loopdiag.probes.icmp.sockets import Received

SECOND = 1_000_000_000


def came(
    sequence: int, at: float, *, stamp: int | None = None, damage: str | None = None, bad: bool = False
) -> Received:
    return Received(Message(sequence & 0xFFFF, 64, 64, damage, bad), at, stamp, "127.0.0.1")


def asked(count: int, *, wait: float = 1.0) -> Ledger:
    """Requests 1, 2, ..., one each second from second 1 on."""
    ledger = Ledger(wait)
    for sequence in range(1, count + 1):
        ledger.sent(sequence, float(sequence), sequence * SECOND)
    return ledger


def test_a_reply() -> None:
    ledger = asked(1)
    ledger.stamped(1, 1 * SECOND + 1000)
    event = ledger.replied(came(1, 1.25, stamp=1 * SECOND + 4000), 100.0)
    counts = ledger.statistics()
    assert event is not None
    assert (event.sequence, event.seconds, event.kernel_seconds) == (1, 0.25, 3e-6)
    assert (counts.transmitted, counts.received, counts.loss) == (1, 1, 0.0)
    assert counts.rtt is not None
    assert counts.kernel_rtt is not None
    assert counts.kernel_rtt.avg == 3e-6


def test_a_duplicate_is_no_second_reply() -> None:
    ledger = asked(1)
    first, second = ledger.replied(came(1, 1.1), 0.0), ledger.replied(came(1, 1.2), 0.0)
    counts = ledger.statistics()
    assert first is not None
    assert second is not None
    assert (first.duplicate, second.duplicate) == (False, True)
    assert (counts.received, counts.duplicates, counts.loss) == (1, 1, 0.0)


def test_late_and_reordered() -> None:
    ledger = asked(3, wait=0.5)
    ledger.replied(came(3, 3.1), 0.0)
    event = ledger.replied(came(2, 3.2), 0.0)
    counts = ledger.statistics()
    assert event is not None
    assert (event.late, event.reordered) == (True, True)
    assert (counts.received, counts.late, counts.reordered) == (2, 1, 1)


def test_a_wrong_checksum_is_no_reply_and_altered_data_is_one() -> None:
    ledger = asked(2)
    ledger.replied(came(1, 1.1, damage="wrong checksum", bad=True), 0.0)
    ledger.replied(came(2, 2.1, damage="wrong data byte"), 0.0)
    counts = ledger.statistics()
    assert (counts.received, counts.corrupted, counts.loss) == (1, 2, 0.5)


def test_a_reply_to_nothing() -> None:
    ledger = asked(1)
    assert ledger.replied(came(77, 1.1), 0.0) is None
    assert ledger.statistics().received == 0


def test_stamps_that_cannot_be_true_are_left_out() -> None:
    """The wall clock may be set between two stamps; a round trip in the kernel is within that of the process."""
    for sent, back in ((SECOND - 1, SECOND + 5), (SECOND + 9, SECOND + 5), (SECOND + 1, 3 * SECOND)):
        ledger = asked(1)
        ledger.stamped(1, sent)
        ledger.replied(came(1, 1.1, stamp=back), 0.0)
        assert ledger.statistics().kernel_rtt is None


def test_sequence_numbers_come_round() -> None:
    ledger = asked(65537)
    event = ledger.replied(came(1, 65537.5), 0.0)
    assert event is not None
    assert event.sequence == 65537


def test_a_long_run_keeps_the_first_and_the_failed() -> None:
    ledger = asked(KEPT + 300)
    for sequence in range(1, KEPT + 301):
        if sequence != KEPT + 100:
            ledger.replied(came(sequence, sequence + 0.1), 0.0)
    kept = [request.sequence for request in ledger.requests(open_since=1e9)]
    assert kept == [*range(1, KEPT + 1), KEPT + 100]


def test_what_is_still_out_decides_nothing() -> None:
    ledger = asked(3)
    ledger.replied(came(1, 1.1), 0.0)
    assert [one.sequence for one in ledger.requests(open_since=2.5)] == [1, 2]


def test_a_failed_request_as_observation() -> None:
    ledger = asked(1)
    request = ledger.of(1)
    assert request is not None
    ledger.failed(request, Outcome.UNREACHABLE, errno.EHOSTUNREACH, 1.5)
    plan = EchoPlan(host="127.0.0.9", address="127.0.0.9", size=56, socket_type="raw", identifier=7)
    seen = observation(request, plan, 1.0)
    assert (seen.outcome, seen.errno, seen.seconds) == (Outcome.UNREACHABLE, "EHOSTUNREACH", 0.5)
    assert seen.label == "icmp-echo 127.0.0.9"


def test_nothing_sent_has_no_loss() -> None:
    counts = Ledger(1.0).statistics()
    assert (counts.transmitted, counts.loss, counts.rtt, counts.kernel_rtt) == (0, None, None, None)
