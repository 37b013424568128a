"""Numbers are their own answer, on any host; names are asked in tests/netns."""

from __future__ import annotations

import socket

import pytest

from loopdiag.model.address import Address
from loopdiag.model.errors import UsageError
from loopdiag.probes.resolve import Ask, ask_together, resolve_addresses

LOOPBACK = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")


@pytest.mark.parametrize("text", ["127.0.0.1", "127.1", "0x7f000001", "0177.0.0.1", "2130706433"])
def test_a_number_is_its_own_answer(text: str) -> None:
    found = resolve_addresses(text)
    assert (found.addresses, found.error) == ((Address("127.0.0.1"),), None)


def test_a_zone_that_exists() -> None:
    assert resolve_addresses(f"fe80::1%{LOOPBACK}").addresses == (Address("fe80::1", LOOPBACK),)
    assert resolve_addresses(f"fe80::1%{socket.if_nametoindex(LOOPBACK)}").error is None


@pytest.mark.parametrize("zone", ["nowhere0", "99999999", "999999999999999999999"])
def test_a_zone_that_does_not_exist(zone: str) -> None:
    with pytest.raises(UsageError, match="no such interface"):
        resolve_addresses(f"fe80::1%{zone}")


@pytest.mark.parametrize(("text", "family"), [("127.0.0.1", 6), ("::1", 4)])
def test_a_number_of_the_other_family(text: str, family: int) -> None:
    with pytest.raises(UsageError, match=f"not an IPv{family} address"):
        resolve_addresses(text, family)


def test_questions_side_by_side_keep_their_order() -> None:
    questions = [Ask(6), Ask(4), Ask(None)]
    assert [one.family for one in ask_together("127.0.0.1", questions)] == [6, 4, None]
    four = ask_together("127.0.0.1", questions)[1]
    assert four.addresses == (Address("127.0.0.1"),)
