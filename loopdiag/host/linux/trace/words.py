"""What each tracepoint says, in words that need no knowledge of the kernel. None leaves the step out."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from loopdiag.model.address import endpoint
from loopdiag.model.dropreason import meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loopdiag.host.linux.trace.own import Own

_FIB = re.compile(r"table +(\d+) .* -> (\S+)/\d+ .* ==> dev (\S+) gw .* err (-?\d+)")
_ICMP = re.compile(r"type=(\d+), code=(\d+)\.")
_NEIGHBOUR = re.compile(r"\bdev (\S+) .*\bnud_state (\w+)")
_UNREACHABLE = {
    0: "net unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
    4: "fragmentation needed", 9: "net prohibited", 10: "host prohibited", 13: "administratively prohibited",
}  # fmt: skip


def _fib(seen: Own) -> str | None:
    found = _FIB.search(seen.record.text)
    if not found:
        return None
    table, destination, device, error = found.groups()
    if error == "0":
        return f"the route to {destination} is device {device}"
    return f"no route to {destination} in table {table}: {_errno(error)}"


def _neighbour(seen: Own) -> str | None:
    found = _NEIGHBOUR.search(seen.record.text)
    if not found or found[2] not in ("incomplete", "failed"):
        return None
    return f"waits for a neighbour's link address on {found[1]}"


def _queued(seen: Own) -> str:
    size = f"{seen.record.device}: {_length(seen)}"
    return f"an answer is queued on {size}" if seen.record.softirq and seen.cause else f"queued on {size}"


def _transmitted(seen: Own) -> str:
    if seen.record.device == "lo":
        return "loopback_xmit: back to this host"
    return f"given to the driver of {seen.record.device}"


def _input_queue(seen: Own) -> str:
    return f"into CPU {seen.record.cpu}'s input queue (backlog)"


def _taken_in(seen: Own) -> str:
    return f"received on {seen.record.device}: {_length(seen)}, up to IP"


def _state(seen: Own) -> str:
    get = seen.record.fields.get
    states = " → ".join(get(name, "").removeprefix("TCP_") for name in ("oldstate", "newstate"))
    if get("sport") == "0":
        return f"new socket: {states}"
    return f"port {get('sport')}: {states}"


def _reset(seen: Own) -> str:
    if seen.record.fields.get("reason") == "NO_SOCKET" or seen.record.fields.get("state") == "UNKNOWN":
        return "TCP answers with a reset: no socket there"
    return "TCP answers with a reset"


def _icmp(seen: Own) -> str | None:
    found = _ICMP.search(seen.record.text)
    if not found:
        return None
    kind, code = int(found[1]), int(found[2])
    name = _UNREACHABLE.get(code, f"unreachable, code {code}") if kind == 3 else f"type {kind}, code {code}"
    return f"the answer is an ICMP error: {name}"


def _told_error(seen: Own) -> str | None:
    error = seen.record.fields.get("error", "0")
    return None if error == "0" else f"the socket is told {_errno(error)}"


def _dropped(seen: Own) -> str:
    record = seen.record
    if record.ordinary:
        return "freed: nothing is lost here"
    return f"DROPPED in {record.place or 'the kernel'}: {meaning(record.reason)}"


def _call(name: str) -> Callable[[Own], str | None]:
    def words(seen: Own) -> str | None:
        error, length = seen.record.fields.get("error", "0"), seen.record.fields.get("length", "0")
        if error.lstrip("-") in ("0", str(errno.EAGAIN)):
            return f"{name} ends: {_bytes(length)}" if error == "0" else None
        return f"{name} fails: {_errno(error)}"

    return words


def _retransmitted(seen: Own) -> str:
    return f"no answer came: TCP sends again to {_field(seen, 'daddr', 'dport')}"


def _field(seen: Own, address: str, port: str) -> str:
    get = seen.record.fields.get
    name = "daddrv6" if get("family") == "AF_INET6" else address
    return endpoint(get(name, "?"), int(get(port, "0")))


def _length(seen: Own) -> str:
    return _bytes(seen.record.fields.get("len", "?"))


def _bytes(number: str) -> str:
    return "1 byte" if number == "1" else f"{number} bytes"


def _errno(number: str) -> str:
    value = abs(int(number))
    return errno.errorcode.get(value, f"error {value}")


WORDS: Mapping[str, Callable[[Own], str | None]] = {
    "fib_table_lookup": _fib,
    "fib6_table_lookup": _fib,
    "neigh_event_send_done": _neighbour,
    "net_dev_queue": _queued,
    "net_dev_start_xmit": _transmitted,
    "qdisc_enqueue": lambda seen: "waits in a queueing discipline",
    "netif_rx": _input_queue,
    "netif_receive_skb": _taken_in,
    "softirq_raise": lambda seen: "asks for the NET_RX softirq",
    "softirq_entry": lambda seen: "the NET_RX softirq begins",
    "softirq_exit": lambda seen: "the NET_RX softirq ends",
    "sched_waking": lambda seen: f"wakes {seen.record.fields.get('comm', 'a process')}, which waits for it",
    "sk_data_ready": lambda seen: "in a socket's queue: it can be read",
    "sock_rcvqueue_full": lambda seen: "the socket's receive queue is full",
    "udp_fail_queue_rcv_skb": lambda seen: f"the socket cannot take it: {_errno(seen.record.fields.get('rc', '0'))}",
    "skb_copy_datagram_iovec": lambda seen: f"the process reads {_length(seen)}",
    "sock_send_length": _call("the send call"),
    "sock_recv_length": _call("the receive call"),
    "inet_sock_set_state": _state,
    "inet_sk_error_report": _told_error,
    "tcp_send_reset": _reset,
    "tcp_receive_reset": lambda seen: "the reset is taken in",
    "tcp_retransmit_skb": _retransmitted,
    "icmp_send": _icmp,
    "kfree_skb": _dropped,
    "consume_skb": lambda seen: f"used up in {seen.record.place or 'the kernel'}",
}
