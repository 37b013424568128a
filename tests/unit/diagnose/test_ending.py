"""Where a journey ends, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopdiag.diagnose.ending import ending
from loopdiag.model.journey import Crossing, Event, Journey
from loopdiag.model.observation import Outcome, TcpConnect

SENT = Event(event="net_dev_queue", at=0.0, says="queued on lo", device="lo", packet=1)
TAKEN_IN = Event(event="netif_receive_skb", at=1e-5, says="received on lo", device="lo", packet=1)
ANSWER = Event(event="netif_receive_skb", at=2e-5, says="received on lo", device="lo", packet=2)
RESET = Event(event="tcp_receive_reset", at=3e-5, says="the reset is taken in")
USED = Event(event="consume_skb", at=2e-5, says="used up", place="tcp_rcv_state_process", packet=1, detail=True)
CONNECTED = TcpConnect(address="127.0.0.1", port=80, outcome=Outcome.CONNECTED)
SILENT = TcpConnect(address="127.0.0.1", port=80, outcome=Outcome.TIMED_OUT)
REFUSED = TcpConnect(address="127.0.0.1", port=80, outcome=Outcome.REFUSED, errno="ECONNREFUSED")


def dropped(reason: str | None, place: str = "nft_do_chain") -> Event:
    return Event(event="kfree_skb", at=3e-5, says="DROPPED", reason=reason, place=place, packet=1)


def journey(*events: Event, **packets: int) -> Journey:
    return Journey(
        events=events, crossing=Crossing(packets=packets, route_devices=("lo",), taken_in={}, seconds={})
    )  # fmt: skip


@pytest.mark.parametrize(
    ("events", "seen", "says"),
    [
        ((SENT, TAKEN_IN), CONNECTED, "the connection was made over lo alone"),
        ((SENT, TAKEN_IN, dropped("NETFILTER_DROP")), SILENT, "nft_do_chain"),
        ((SENT, TAKEN_IN, dropped(None)), SILENT, "the kernel gives no reason"),
        ((SENT, TAKEN_IN, dropped("A_NEW_REASON")), SILENT, "the kernel calls it A_NEW_REASON"),
        ((SENT, TAKEN_IN, dropped("NETFILTER_DROP"), ANSWER), REFUSED, "the rule itself sent an answer back"),
        ((SENT, TAKEN_IN, dropped("NO_SOCKET", "__udp6_lib_rcv"), ANSWER), REFUSED, "an ICMP error was sent back"),
        ((SENT, TAKEN_IN, dropped("NO_SOCKET", "tcp_v4_rcv"), ANSWER, RESET), REFUSED, "answered with a reset"),
        ((SENT, TAKEN_IN, dropped(None, "tcp_v6_rcv"), ANSWER, RESET), REFUSED, "answered with a reset"),  # Linux 5.10
        ((SENT, TAKEN_IN, dropped(None, "__udp4_lib_rcv"), ANSWER), REFUSED, "an ICMP error was sent back"),
        ((SENT, TAKEN_IN, dropped("NETFILTER_DROP"), ANSWER, RESET), REFUSED, "the rule itself sent an answer back"),
        ((SENT, TAKEN_IN, USED), SILENT, "it ends in tcp_rcv_state_process"),
        ((SENT, TAKEN_IN), SILENT, "the packet was delivered, and nothing came back"),
        ((SENT,), SILENT, "it was handed to lo and did not come back"),
    ],
)
def test_it_ends_as_the_kernel_says(events: tuple[Event, ...], seen: TcpConnect, says: str) -> None:
    assert says in ending(journey(*events, lo=1), seen)


def test_an_answer_that_was_dropped_did_not_come_back() -> None:
    reset = replace(SENT, event="tcp_send_reset")
    assert "answered" not in ending(journey(SENT, reset, dropped("NETFILTER_DROP"), lo=1), SILENT)


def test_nothing_was_sent() -> None:
    unreachable = TcpConnect(address="10.0.0.1", port=80, outcome=Outcome.UNREACHABLE, errno="ENETUNREACH")
    assert ending(journey(), unreachable) == "no packet was queued on a device: the call failed with ENETUNREACH"


def test_waiting_for_a_neighbour() -> None:
    waiting = Event(event="neigh_event_send_done", at=0.0, says="waits")
    assert "ARP" in ending(journey(waiting, SENT, lo=1), SILENT)
