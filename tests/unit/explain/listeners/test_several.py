"""Several processes behind one port."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from loopdiag.explain.listeners.several import unrelated
from loopdiag.model.finding import Certainty, Severity
from loopdiag.model.unknown import Unknown
from tests.unit.explain.healthy import OWN
from tests.unit.explain.listeners.hosts import CAT, NODE, causes, connected, first, host, listener

if TYPE_CHECKING:
    from loopdiag.model.process import Process

HIDDEN = Unknown("owners", "hidden")


def test_two_processes_on_the_two_addresses_of_localhost() -> None:
    found = first(
        host(connected("::1"), connected("127.0.0.1"), listeners=(listener(), listener("::1", inode=1, owners=(CAT,))))
    )
    assert (found.cause, found.severity, found.certainty) == ("listeners-differ", Severity.WARNING, Certainty.PROVEN)


def test_one_process_on_both() -> None:
    assert causes(host(connected(), listeners=(listener(), listener("::1", inode=1)))) == []


def test_a_wildcard_behind_an_exact_address() -> None:
    found = first(host(connected(), listeners=(listener(), listener("0.0.0.0", inode=1, owners=(CAT,)))))
    assert (found.cause, found.severity) == ("listeners-differ", Severity.WARNING)


def test_another_address_that_nobody_takes_for_this_one_is_a_note() -> None:
    found = first(host(connected("127.0.0.53"), listeners=(listener("127.0.0.53"), listener(OWN, owners=(CAT,)))))
    assert (found.cause, found.severity) == ("listeners-differ", Severity.NOTE)


def test_what_nobody_reaches_does_not_differ() -> None:
    gone = listener("10.9.9.9", owners=(CAT,))
    assert causes(host(connected(), listeners=(listener(), gone))) == []


def test_strangers_share_a_port() -> None:
    found = first(host(connected(), listeners=(listener(), listener(inode=1, owners=(CAT,)))))
    assert (found.cause, found.severity) == ("listeners-share-port", Severity.WARNING)


def test_workers_of_one_service_do_not_count() -> None:
    workers = [replace(NODE, pid=pid, parent=40, parent_name="node") for pid in (50, 51)]
    assert causes(host(connected(), listeners=tuple(listener(inode=one.pid, owners=(one,)) for one in workers))) == []


def test_hidden_owners_of_a_shared_port_are_a_note() -> None:
    found = first(host(connected(), listeners=(listener(owners=HIDDEN), listener(owners=HIDDEN, inode=1))))
    assert (found.cause, found.severity, found.certainty) == (
        "listeners-share-port",
        Severity.NOTE,
        Certainty.POSSIBLE,
    )


@pytest.mark.parametrize(
    ("one", "other", "strangers"),
    [
        (NODE, NODE, False),
        (NODE, replace(NODE, pid=7, name="bash"), False),  # its parent
        (NODE, replace(NODE, pid=50), True),  # two of one shell
        (replace(NODE, parent_name="gunicorn"), replace(NODE, pid=50, parent_name="gunicorn"), False),
        (replace(NODE, parent_name="dockerd"), replace(NODE, pid=50, name="proxy", parent_name="dockerd"), True),
        (replace(NODE, parent=1, parent_name="systemd"), replace(NODE, pid=50, parent=1, parent_name="systemd"), True),
    ],
)
def test_kin(one: Process, other: Process, strangers: bool) -> None:
    assert unrelated(listener(owners=(one,)), listener(owners=(other,))) is strangers


def test_another_user_is_no_kin_even_where_processes_are_hidden() -> None:
    assert unrelated(listener(owners=HIDDEN), listener(owners=HIDDEN, uid=0))
    assert not unrelated(listener(owners=HIDDEN), listener(owners=HIDDEN))
