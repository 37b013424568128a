"""All listeners: which are asked for, and the whole in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from loopdiag.explain.listeners.census import Asked, held_by, in_words, matching, owned, placed
from loopdiag.explain.listeners.standing import standing
from loopdiag.explain.listeners.trial import Trial, trials
from loopdiag.explain.reach import Surroundings
from loopdiag.model.process import Process
from loopdiag.model.report import Verdict
from loopdiag.model.socket import Socket
from loopdiag.model.unknown import Unknown
from tests.unit.explain.healthy import ETH, LO, OWN, OWN_SIX

if TYPE_CHECKING:
    from collections.abc import Sequence

NODE = Process(pid=42, name="node", unit="web.service", state="S")
HIDDEN = Unknown("owners of sockets", "hidden")


def listener(address: str, port: int = 80, inode: int = 1, **changed: object) -> Socket:
    families = ("ipv6",) if ":" in address else ("ipv4",)
    one = Socket(protocol="tcp", state="LISTEN", address=address, port=port, families=families, inode=inode)
    return replace(one, **changed)  # type: ignore[arg-type]


def seen(*sockets: Socket, asked: Asked | None = None) -> list[Socket]:
    wanted = matching(placed(sockets, Surroundings((LO, ETH))), asked or Asked())
    owned(wanted, dict.fromkeys((one.inode for one in sockets), (NODE,)))
    return wanted


def test_what_is_asked_for() -> None:
    talking = listener("127.0.0.1", 83, protocol="udp", state="UNCONN", peer_address="127.0.0.1", peer_port=9)
    every = (listener("127.0.0.1"), listener("0.0.0.0", 81), listener("::1", 82), talking)
    assert [one.port for one in seen(*every)] == [80, 81, 82]
    assert [one.port for one in seen(*every, asked=Asked(port=82))] == [82]
    assert [one.port for one in seen(*every, asked=Asked(exposed=True))] == [81]
    assert [one.port for one in seen(*every, asked=Asked(family=6))] == [82]


def test_listeners_of_one_place_can_only_share_it_by_reuseport() -> None:
    found = seen(listener("127.0.0.1", inode=1), listener("127.0.0.1", inode=2), listener("0.0.0.0", inode=3))
    assert [one.reuseport for one in found] == [None, True, True]
    apart = seen(listener("127.0.0.1", device="lo"), listener("127.0.0.1", device="eth0"))
    assert [one.reuseport for one in apart] == [None, None]
    one, other, third = (listener("127.0.0.1", device=device, inode=inode) for inode, device in enumerate("aba"))
    assert [one.reuseport for one in seen(one, other, third)] == [True, True, None]


def test_a_process_goes_by_its_name_its_unit_or_its_container() -> None:
    assert held_by((NODE,), "node")
    assert held_by((NODE,), "web")
    assert held_by((replace(NODE, unit="container 0123456789ab"),), "0123456789abcdef")
    assert held_by((replace(NODE, name="a-name-of-fifte"),), "a-name-of-fifteen-and-more")
    assert not held_by((NODE,), "nod")
    assert not held_by(HIDDEN, "node")


@pytest.mark.parametrize(
    ("asked", "gaps", "verdict", "says"),
    [
        (Asked(port=81), (), Verdict.WORKS, "nothing listens on port 81 here, neither by TCP nor by UDP"),
        (Asked(process="x"), (), Verdict.WORKS, "no process called x has a listener or UDP socket here"),
        (Asked(process="x"), (HIDDEN,), Verdict.UNKNOWN, "whether a process called x listens cannot be told"),
        (Asked(exposed=True), (), Verdict.WORKS,
         "there is no TCP listener and no UDP socket that others can reach here"),
    ],
)  # fmt: skip
def test_nothing_there_is_an_answer(asked: Asked, gaps: Sequence[Unknown], verdict: Verdict, says: str) -> None:
    assert in_words(asked, (), (), (), gaps) == (verdict, says)


def test_a_listener_that_stands_badly_is_a_warning() -> None:
    good, gone = seen(listener("127.0.0.1"))[0], seen(listener("192.0.2.1"))[0]
    assert standing([good]) == ()
    assert [one.cause for one in standing([gone])] == ["listener-address-gone"]
    assert [one.cause for one in standing([replace(good, queue=9, queue_limit=8)])] == ["accept-queue-full"]
    stopped = replace(good, owners=(replace(NODE, state="T"),))
    assert [one.cause for one in standing([stopped])] == ["listener-stopped"]
    assert standing([replace(good, owners=(replace(NODE, state="T"), NODE))]) == ()
    assert in_words(Asked(), [stopped], (), standing([stopped]), ())[0] is Verdict.DEGRADED


def test_what_is_tried() -> None:
    found = seen(listener("0.0.0.0", 80), listener("127.0.0.1", 81), listener("192.0.2.1", 82),
                 listener("::", 83, families=("ipv6",)))  # fmt: skip
    assert set(trials(found, (LO, ETH), Surroundings((LO, ETH)))) == {
        Trial("127.0.0.1", 80, True), Trial(OWN, 80, True), Trial("127.0.0.1", 81, True), Trial(OWN, 81, False),
        Trial("::1", 83, True), Trial(OWN_SIX, 83, True),
    }  # fmt: skip


def test_what_only_others_reach_is_not_tried_from_here() -> None:
    here = (replace(LO, up=False), ETH)
    found = placed([listener("0.0.0.0")], Surroundings(here))
    assert trials(found, here, Surroundings(here)) == []


def test_ipv4_is_not_tried_where_it_is_not_known_whether_it_is_served() -> None:
    found = seen(listener("::", families=("ipv4", "ipv6"), incomplete=True))
    served = {one.address for one in trials(found, (LO, ETH), Surroundings((LO, ETH))) if one.served}
    assert served == {"::1", OWN_SIX}


@pytest.mark.parametrize(
    ("reaches", "says"),
    [
        (("host", "host"), "none can be reached by others"),
        (("host", "network"), "others can reach 1 of them"),
        (("host", None), "others can reach none of 1, and of 1 more it is not known"),
        (("host", "network", None), "others can reach 1 of 2, and of 1 more it is not known"),
        ((None, None), "whether others can reach them is not known"),
    ],
)
def test_reach_that_is_not_known_is_not_counted_as_closed(reaches: tuple[str | None, ...], says: str) -> None:
    found = [listener("127.0.0.1", reach=one) for one in reaches]
    assert in_words(Asked(), found, (), (), ())[1].endswith(f"; {says}")


def test_a_link_local_address_that_is_gone_is_told_by_its_interface() -> None:
    gone = listener("fe80::1", device="wlan0", reach="none", reach_says="nobody: the address is gone from wlan0")
    (found,) = standing([gone])
    assert "an address that wlan0 no longer has" in found.statement
