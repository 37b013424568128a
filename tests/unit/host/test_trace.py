"""The kernel's record of a probe, read from traces of real kernels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopdiag.host.linux.trace.drops import drops_in
from loopdiag.host.linux.trace.journey import BEGIN, journey_in, read_softnet
from loopdiag.host.linux.trace.lines import parse
from loopdiag.host.linux.trace.own import own
from loopdiag.host.linux.trace.tracefs import refused

if TYPE_CHECKING:
    from loopdiag.model.journey import Journey

TRACES = Path(__file__).with_name("traces")


def trace(name: str) -> str:
    return (TRACES / f"{name}.txt").read_text()


def journey(name: str) -> Journey:
    return journey_in(trace(name), "python")


def told(name: str) -> list[str]:
    return [step.says for step in journey(name).events if not step.detail]


def test_a_line_is_taken_apart() -> None:
    line = ("           <...>-9028  [001] b.s1.  3400.137184: kfree_skb: skbaddr=000000000d5d3055 rx_sk=0"
            " protocol=2048 location=tcp_v4_rcv+0x91/0x13f0 reason: NO_SOCKET")  # fmt: skip
    (record,), lost = parse(line)
    assert (record.event, record.task, record.pid, record.cpu, record.softirq) == ("kfree_skb", None, 9028, 1, True)
    assert (record.packet, record.reason, record.place) == ("000000000d5d3055", "NO_SOCKET", "tcp_v4_rcv")
    assert lost == 0


@pytest.mark.parametrize(
    ("text", "softirq"), [(".....", False), ("b....", False), ("..s1.", True), ("d.h..", False), ("..H1.", False)]
)
def test_softirq_is_told_from_other_contexts(text: str, softirq: bool) -> None:
    (record,), _ = parse(f"  some task-1-7 [000] {text}  1.000001: netif_rx: dev=lo skbaddr=01 len=60")
    assert record.softirq is softirq
    assert (record.task, record.pid, record.device) == ("some task-1", 7, "lo")


def test_lines_of_older_kernels_are_understood() -> None:
    old = "  ping-7     [000] ..s1     1.000001: kfree_skb: skbaddr=00000000aa protocol=2048 location=00000000bb"
    (record,), _ = parse(old)
    assert (record.reason, record.place) == (None, "")


def test_no_reason_is_none_and_garbage_is_no_record() -> None:
    text = (
        "  a-7 [000] .....  1.000001: kfree_skb: skbaddr=01 location=f+0x1/0x2 reason: NOT_SPECIFIED\ngarbage\n\x00\n"
    )
    records, _ = parse(text)
    assert [record.reason for record in records] == [None]


def test_lost_events_are_counted() -> None:
    assert parse("CPU:1 [LOST 23 EVENTS]\nCPU:0 [LOST 2 EVENTS]\n")[1] == 25


def test_a_ping_goes_through_queue_and_softirq_and_comes_back() -> None:
    seen = journey("ping")
    assert [step.event for step in seen.events if step.packet == 1] == [
        "net_dev_queue", "net_dev_start_xmit", "netif_rx", "netif_receive_skb", "consume_skb"
    ]  # fmt: skip
    assert {step.context for step in seen.events if step.event == "netif_receive_skb"} == {"softirq"}
    assert seen.crossing.packets == {"lo": 2}
    assert seen.crossing.taken_in == {"sender": 2, "ksoftirqd": 0, "other": 0}
    assert seen.crossing.route_devices == ("lo",)
    assert not seen.drops  # the reply is also offered to ping sockets, which is no drop


def test_a_connection_shows_its_states_on_both_sides() -> None:
    states = [says for says in told("connect") if "→" in says]
    assert states[0] == "new socket: CLOSE → SYN_SENT"
    assert any("port 7000: LISTEN → SYN_RECV" in says for says in states)
    assert states[-1] == "port 7000: LAST_ACK → CLOSE"
    assert not journey("connect").drops


def test_a_refusal_tells_who_sent_the_reset() -> None:
    assert "TCP answers with a reset: no socket there" in told("refused")
    assert [(drop.reason, drop.place) for drop in journey("refused").drops] == [("NO_SOCKET", "tcp_v4_rcv")]


def test_a_filter_drop_ends_the_journey() -> None:
    (drop,) = journey("dropped").drops
    assert (drop.reason, drop.device) == ("NETFILTER_DROP", "lo")
    assert journey("dropped").crossing.packets == {"lo": 1}


def test_a_reject_is_a_drop_with_an_answer() -> None:
    seen = journey("rejected")
    assert [drop.reason for drop in seen.drops] == ["NETFILTER_DROP"]
    assert "the answer is an ICMP error: port unreachable" in told("rejected")
    assert seen.crossing.packets == {"lo": 2}


def test_a_full_accept_queue_leaves_no_drop() -> None:
    seen = journey("accept-queue-full")
    assert not seen.drops
    assert [step.place for step in seen.events if step.event == "consume_skb"] == ["tcp_rcv_state_process"]


def test_an_answer_of_another_process_is_found_by_whom_it_wakes() -> None:
    assert journey("udp").crossing.packets == {"lo": 2}
    assert "wakes python, which waits for it" in told("udp")


def test_other_traffic_is_left_out() -> None:
    text = trace("busy")
    everybody = {record.packet for record in parse(text)[0] if record.event == "net_dev_queue"}
    seen = journey("busy")
    assert seen.crossing.packets == {"lo": 8}  # a connection closed by both sides, a datagram and its answer
    assert len(everybody) > 8
    ports = {record.fields.get("sport") for record in (one.record for one in own(parse(text)[0], BEGIN))} - {None, "0"}
    assert len(ports) == 2


FOREIGN = """\
  other-9 [001] b....  1.000100: net_dev_queue: dev=lo skbaddr=0a len=74
  other-9 [001] ..s1.  1.000110: netif_receive_skb: dev=lo skbaddr=0a len=60
  other-9 [001] ..{flag}1.  1.000120: sched_waking: comm=python pid=7 prio=120 target_cpu=000
"""


@pytest.mark.parametrize(("flag", "packets"), [("s", {"lo": 1}), ("H", {})])
def test_a_packet_is_ours_that_wakes_us_and_not_one_that_a_timer_interrupts(flag: str, packets: dict[str, int]) -> None:
    text = f"  python-7 [000] .....  1.000001: tracing_mark_write: {BEGIN}\n{FOREIGN.format(flag=flag)}"
    assert journey_in(text, "python").crossing.packets == packets


def test_without_our_mark_nothing_is_ours() -> None:
    assert own(parse(trace("busy").replace(BEGIN, "another mark"))[0], BEGIN) == []


@pytest.mark.parametrize(
    ("name", "reasons"), [("ping", []), ("connect", []), ("udp", []), ("dropped", ["NETFILTER_DROP"])]
)
def test_drops_are_those_that_lose_a_packet(name: str, reasons: list[str]) -> None:
    assert [drop.reason for drop in drops_in(trace(name))] == reasons


def test_a_drop_names_device_place_and_protocol() -> None:
    (drop,) = drops_in(trace("dropped"))
    assert (drop.place, drop.device, drop.protocol) == ("nft_do_chain", "lo", "ipv4")
    assert 0 < drop.at < 0.1


def test_times_are_told_by_part() -> None:
    seconds = journey("ping").crossing.seconds
    assert set(seconds) == {"sending", "device", "queue", "receiving"}
    assert 0 < sum(seconds.values()) <= journey("ping").events[-1].at


def test_softnet_is_summed_over_cpus(tmp_path: Path) -> None:
    folder = tmp_path / "proc/thread-self/net"
    folder.mkdir(parents=True)
    (folder / "softnet_stat").write_text("0000000a 00000001 00000000 0\n00000010 00000000 00000002 0\n")
    assert read_softnet(tmp_path) == {"processed": 26, "dropped": 1, "squeezed": 2}
    (folder / "softnet_stat").write_text("garbage\n")
    assert read_softnet(tmp_path) == {}


def test_a_refused_right_is_named() -> None:
    assert "CAP_SYS_ADMIN" in refused(PermissionError(1, "Operation not permitted")).because
    assert "CONFIG_TRACING" in refused(OSError(19, "No such device")).because
