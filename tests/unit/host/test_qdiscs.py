"""Disciplines as a real kernel tells them (Debian's Linux 6.1.0-56): netem, which not every kernel has."""

from __future__ import annotations

import pytest

from loopdiag.host.linux.netlink import attributes, text
from loopdiag.host.linux.qdiscs import PARAMETERS, TCA_KIND, TCA_OPTIONS, TCMSG

# RTM_NEWQDISC after `tc qdisc add dev lo root netem delay 300ms 20ms loss 5%`, without its statistics
NETEM = bytes.fromhex(
    "000000000100000000000180ffffffff020000000a0001006e6574656d000000700002008c864700e8030000cdcccc0c0000000000000000"
    "b4c404000c000a0000a3e111000000000c000b00002d310100000000100001000000000000000000000000000c00030000000000000000000c"
    "000400000000000000000014000600000000000000000000000000000000000500"
    "0c0000000000"
)


def test_netem_delays_and_loses() -> None:
    parts = attributes(NETEM, TCMSG.size)
    assert text(parts[TCA_KIND]) == "netem"
    found = PARAMETERS["netem"](parts[TCA_OPTIONS])
    assert found["delay"] == pytest.approx(0.3)
    assert found["loss"] == pytest.approx(0.05)


def test_netem_of_a_kernel_without_wide_numbers() -> None:
    options = attributes(NETEM, TCMSG.size)[TCA_OPTIONS][:24]
    assert PARAMETERS["netem"](options)["delay"] == pytest.approx(0.3, rel=0.01)
