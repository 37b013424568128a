from __future__ import annotations

import pytest

from loopdiag.model.counters import Counters


@pytest.mark.parametrize(("protocol", "stopped"), [
    ({"Ip.OutRequests": 9, "Ip.OutTransmits": 9}, 0),
    ({"Ip.OutRequests": 9, "Ip.OutTransmits": 7, "Ip6.OutRequests": 3, "Ip6.OutTransmits": 2}, 3),
    ({"Ip.OutRequests": 9, "Ip.OutTransmits": 12}, 0),  # others were forwarded
    ({"Ip.OutRequests": 9}, 0),  # an older kernel
])  # fmt: skip
def test_what_was_stopped_on_its_way_out(protocol: dict[str, int], stopped: int) -> None:
    assert Counters({}, {}, protocol).stopped_on_their_way_out == stopped


@pytest.mark.parametrize(("sent", "delivered", "stopped"), [(4, 4, 0), (4, 1, 3), (4, 90, 0)])
def test_what_was_stopped_behind_lo(sent: int, delivered: int, stopped: int) -> None:
    moved = Counters({"lo": sent}, {"lo": sent}, {"Ip.InDelivers": delivered})
    assert moved.stopped_behind("lo") == stopped
