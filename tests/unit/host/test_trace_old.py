"""The record of a probe by older kernels: Debian's 5.10.0-46, 6.1.0-56 and 6.12.117, as they wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopdiag.host.linux.trace.drops import drops_in
from loopdiag.host.linux.trace.journey import journey_in
from loopdiag.host.linux.trace.lines import parse
from loopdiag.host.linux.trace.stacks import has_bare_addresses, with_places

TRACES = Path(__file__).with_name("traces")
FORMAT = 'format:\n\tfield:void * location;\toffset:16;\n\nprint fmt: "skbaddr=%p protocol=%u {}", REC->skbaddr'


def raw(name: str) -> str:
    return (TRACES / f"linux-{name}.txt").read_text()


def test_what_netfilter_drops_is_told_by_the_only_function_that_does_so() -> None:
    (drop,) = drops_in(with_places(raw("5.10-dropped")))
    assert (drop.reason, drop.place, drop.device) == ("NETFILTER_DROP", "nf_hook_slow", "lo")


@pytest.mark.parametrize("name", ["5.10-ping", "6.1-ping6", "6.12-ping"])
def test_a_reply_that_no_ping_socket_wants_is_no_drop(name: str) -> None:
    assert not list(drops_in(with_places(raw(name))))
    told = journey_in(with_places(raw(name)), "python")
    assert told.crossing.packets == {"lo": 2}
    assert "freed: nothing is lost here" in [step.says for step in told.events]


def test_a_hash_of_an_address_gets_its_name_too() -> None:
    (drop,) = drops_in(with_places(raw("6.1-refused")))
    assert (drop.reason, drop.place) == ("NO_SOCKET", "tcp_v4_rcv")


def test_a_context_is_told_by_four_letters_too() -> None:
    records, _ = parse(with_places(raw("5.10-ping")))
    assert {record.softirq for record in records if record.event == "netif_receive_skb"} == {True}
    assert {record.softirq for record in records if record.event == "skb_copy_datagram_iovec"} == {False}


def test_without_a_stack_an_address_is_no_place() -> None:
    text = "".join(
        line for line in raw("5.10-dropped").splitlines(keepends=True) if "stack" not in line and " => " not in line
    )
    (drop,) = drops_in(with_places(text))
    assert (drop.reason, drop.place) == (None, "")


def test_the_stack_of_another_cpu_is_not_taken_for_it() -> None:
    """Linux 6.1 hashes addresses; here two CPUs free at the same time."""
    text = (
        "  a-7 [000] ..s1.  1.000001: kfree_skb: skbaddr=01 location=0000000051b5df8d reason: NETFILTER_DROP\n"
        "  b-8 [001] ..s1.  1.000002: kfree_skb: skbaddr=02 location=000000008f9ba948 reason: NO_SOCKET\n"
        "  a-7 [000] ..s1.  1.000003: <stack trace>\n => kfree_skb_reason\n => nf_hook_slow\n => ip_local_deliver\n"
        "  b-8 [001] ..s1.  1.000004: <stack trace>\n => kfree_skb_reason\n => tcp_v4_rcv\n"
        "  a-7 [000] ..s1.  1.000005: softirq_exit: vec=3 [action=NET_RX]\n"
    )
    records, _ = parse(with_places(text))
    assert [(one.event, one.place) for one in records] == [
        ("kfree_skb", "nf_hook_slow"), ("kfree_skb", "tcp_v4_rcv"), ("softirq_exit", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("location", "bare"),
    [("location=%p", True), ("location=%p reason: %s", True), ("location=%pS reason: %s", False)],
)
def test_kernels_that_tell_addresses_say_so(location: str, bare: bool) -> None:
    assert has_bare_addresses(FORMAT.format(location)) is bare
