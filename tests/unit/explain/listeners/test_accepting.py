"""Connected, and yet nobody serves: which of the reasons, and none where the connection was taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from loopdiag.explain.engine import judge
from loopdiag.explain.verdict import verdict
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.observation import Outcome
from loopdiag.model.report import Verdict
from loopdiag.model.unknown import Unknown
from tests.unit.explain.listeners.hosts import (
    NODE,
    causes,
    connected,
    datagram,
    first,
    host,
    listener,
    silent,
    udp,
    waiting,
)

if TYPE_CHECKING:
    from loopdiag.model.case import Case

STOPPED = replace(NODE, state="T")
FULL_OF_FILES = replace(NODE, descriptors=1024)


def stuck(**changed: Any) -> Case:
    """Our connection is complete and waits; the listener is changed so."""
    there = listener(queue=1, **changed)
    return host(connected(), listeners=(there,), sockets=(there, waiting(there)))


def full(**changed: Any) -> Case:
    """Our SYN had no answer, and the queue is over its limit."""
    there = listener(queue=2, queue_limit=1, **changed)
    return host(silent(), listeners=(there,))


def test_a_connection_that_was_taken_says_nothing() -> None:
    assert causes(host(connected(), listeners=(listener(),))) == []
    assert causes(host(connected(), listeners=(listener(owners=(STOPPED,)),))) == []


@pytest.mark.parametrize(
    ("owner", "cause"),
    [
        (STOPPED, "listener-stopped"),
        (replace(NODE, state="t"), "listener-stopped"),
        (replace(NODE, waits_in="do_freezer_trap"), "listener-stopped"),
        (replace(NODE, frozen=True), "listener-stopped"),
        (FULL_OF_FILES, "listener-out-of-descriptors"),
        (replace(STOPPED, descriptors=1024), "listener-stopped"),
        (NODE, "listener-not-accepting"),
        (replace(NODE, state="D"), "listener-not-accepting"),
    ],
)
def test_why_our_connection_waits(owner, cause) -> None:  # type: ignore[no-untyped-def]
    found = first(stuck(owners=(owner,)))
    assert (found.cause, found.severity, found.certainty) == (cause, Severity.ERROR, Certainty.PROVEN)
    assert causes(stuck(owners=(owner,))) == [cause]
    assert found.subject == "127.0.0.1:80"


@pytest.mark.parametrize(
    ("worker", "cause"), [(STOPPED, "listener-stopped"), (FULL_OF_FILES, "listener-out-of-descriptors")]
)
def test_a_master_that_goes_on_does_not_accept_for_its_workers(worker, cause) -> None:  # type: ignore[no-untyped-def]
    found = first(stuck(owners=(replace(NODE, pid=40), worker)))
    assert (found.cause, found.certainty) == (cause, Certainty.LIKELY)
    assert "pid 42" in found.statement


@pytest.mark.parametrize("owner", [STOPPED, FULL_OF_FILES])
def test_the_reason_goes_before_the_full_queue(owner) -> None:  # type: ignore[no-untyped-def]
    assert causes(full()) == ["accept-queue-full"]
    assert causes(full(owners=(owner,))) != ["accept-queue-full"]


def test_a_queue_at_its_limit_still_takes_one() -> None:
    assert causes(host(silent(), listeners=(listener(queue=1, queue_limit=1),))) == []


def test_a_limit_that_was_not_told_is_not_passed() -> None:
    assert causes(host(silent(), listeners=(listener(queue=500, queue_limit=None),))) == []


def test_hidden_owners_leave_it_likely() -> None:
    found = first(stuck(owners=Unknown("owners", "hidden")))
    assert (found.cause, found.certainty) == ("listener-not-accepting", Certainty.LIKELY)


def test_a_server_that_computes_is_a_warning() -> None:
    assert first(stuck(owners=(replace(NODE, state="R"),))).severity is Severity.WARNING


def test_a_service_that_is_started_on_demand_is_a_warning() -> None:
    systemd = replace(NODE, pid=1, name="systemd", parent=0)
    assert first(stuck(owners=(systemd,))).severity is Severity.WARNING


def test_a_server_that_has_taken_others_is_only_likely() -> None:
    there = listener(queue=1)
    taken = replace(waiting(there), inode=77, peer_port=6000)
    found = first(host(connected(), listeners=(there,), sockets=(there, waiting(there), taken)))
    assert (found.cause, found.severity, found.certainty) == (
        "listener-not-accepting",
        Severity.ERROR,
        Certainty.LIKELY,
    )


def test_a_stopped_member_of_a_shared_port() -> None:
    alive, asleep = listener(inode=1), listener(inode=2, owners=(replace(STOPPED, pid=50),), queue=3)
    found = [one for one in causes(host(connected(), listeners=(alive, asleep))) if one == "listener-stopped"]
    assert found == ["listener-stopped"]


def test_udp_and_a_stopped_receiver() -> None:
    there = udp(owners=(STOPPED,), queue=768)
    assert causes(host(datagram(Outcome.TIMED_OUT), listeners=(there,))) == ["listener-stopped"]
    assert causes(host(datagram(Outcome.TIMED_OUT), listeners=(udp(),))) == ["udp-no-reply"]


def test_of_those_that_share_the_port_only_the_one_that_holds_the_connection_is_blamed() -> None:
    takes, hangs = listener(inode=900), listener(inode=901, queue=1, owners=(replace(NODE, pid=50),))
    seen = host(connected(), listeners=(takes, hangs), sockets=(takes, hangs, waiting(hangs)))
    told = [found.statement for found in judge(seen) if found.cause == "listener-not-accepting"]
    assert len(told) == 1
    assert "pid 50" in told[0]


def test_a_process_that_computes_is_late_and_not_gone() -> None:
    busy = stuck(owners=(replace(NODE, state="R"),))
    found = judge(busy)
    assert (found[0].cause, found[0].severity) == ("listener-not-accepting", Severity.WARNING)
    assert verdict(busy, found) is Verdict.DEGRADED
