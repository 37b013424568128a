"""The cheap way to see that nothing is there still, and the rounds that it is made in."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from loopdiag.diagnose.awaiting.knock import Knock
from loopdiag.diagnose.awaiting.pace import OFTEN, RARE, Pace
from loopdiag.diagnose.awaiting.rounds import Rounds

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def rounds() -> Iterator[Rounds]:
    made = Rounds()
    made.start()
    yield made
    made.stop()
    made.join(10)
    assert not made.is_alive()


def test_a_door_that_refuses_can_be_knocked_at_again_until_somebody_opens() -> None:
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
        knock = Knock(late.getsockname(), 1.0)
        assert [knock.refused() for _ in range(5)] == [True] * 5
        late.listen()
        assert not knock.refused()
        assert knock.answered
        connected = knock.take()
        assert connected is not None
        with connected, late.accept()[0] as taken:
            assert connected.getsockname() == taken.getpeername()
    assert knock.refused()
    knock.close()


def test_what_cannot_be_connected_to_at_all_leaves_no_socket_that_seems_under_way() -> None:
    knock = Knock(("255.255.255.255", 9), 0.01)  # a stream socket is refused that by the kernel itself
    assert not knock.refused()
    assert knock.take() is None
    knock.close()


def test_rounds_tell_of_each_change_once_and_ask_no_more(rounds: Rounds) -> None:
    asked = {"one": 0, "other": 0}
    told = {name: threading.Event() for name in asked}

    def unchanged(name: str, times: int) -> bool:
        asked[name] += 1
        return asked[name] < times

    rounds.watch(told["one"], [lambda: unchanged("one", 3)])
    rounds.watch(told["other"], [lambda: True, lambda: unchanged("other", 10)])
    assert told["one"].wait(10)
    assert told["other"].wait(10)
    assert asked == {"one": 3, "other": 10}


def test_who_has_left_is_asked_no_more_and_a_failure_counts_as_a_change(rounds: Rounds) -> None:
    calls: list[int] = []
    left, fails = threading.Event(), threading.Event()

    def unchanged() -> bool:
        calls.append(1)
        return True

    rounds.watch(left, [unchanged])
    rounds.leave(left)
    before = len(calls)

    def fail() -> bool:
        raise OSError

    rounds.watch(fails, [fail])
    assert fails.wait(10)
    assert len(calls) == before
    assert not left.is_set()


def test_the_pause_grows_with_what_a_look_costs() -> None:
    cheap, dear = Pace(0.5), Pace(0.000001)
    assert [cheap.pause() for _ in range(40)][-1] == OFTEN
    assert [dear.pause() for _ in range(40)][-1] == RARE
