"""Topic `backends`: which connections other processes open while they serve one of ours."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from loopdiag.host.linux.trace.instance import Tracepoint, make_instance
from loopdiag.host.linux.trace.lines import parse
from loopdiag.model.address import endpoint
from loopdiag.model.service import BackendAttempt
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopdiag.host.linux.trace.lines import Record

TRACEPOINTS = (Tracepoint("sock/inet_sock_set_state", "protocol == 6", required=True),)
BEGIN = "loopdiag: begin"
MOST = 16
_ENDS = {"TCP_ESTABLISHED": "connected", "TCP_CLOSE": "refused"}


def watch_connects(serve: Callable[[], object], *, settle: float = 0.02) -> tuple[BackendAttempt, ...] | Unknown:
    """Call `serve`, which makes a connection and waits for its end, while the kernel records the states of all TCP
    sockets; returns the connections that other processes began meanwhile, on the whole machine.

    `settle` is how long to go on listening afterwards, in seconds. Needs root (CAP_SYS_ADMIN); else Unknown says so,
    and `serve` is not called.
    """
    instance = make_instance(TRACEPOINTS)
    if isinstance(instance, Unknown):
        return instance
    try:
        instance.mark(BEGIN)
        serve()
        time.sleep(settle)
        return connects_in(instance.read())
    finally:
        instance.close()


def connects_in(text: str, begin: str = BEGIN) -> tuple[BackendAttempt, ...]:
    """The connections begun by others after the mark, in the text of a trace, with what became of them."""
    records, _ = parse(text)
    start = next((at for at, one in enumerate(records) if one.text == begin), None)
    if start is None:
        return ()
    us, after = records[start].pid, records[start + 1 :]
    begun = [
        (at, one) for at, one in enumerate(after) if one.fields.get("newstate") == "TCP_SYN_SENT" and one.pid != us
    ]
    return tuple(dict.fromkeys(_attempt(one, after[at + 1 :]) for at, one in begun[:MOST]))


def _attempt(one: Record, after: Sequence[Record]) -> BackendAttempt:
    where = _destination(one)
    ends = (each.fields.get("newstate", "") for each in after
            if each.fields.get("oldstate") == "TCP_SYN_SENT" and _destination(each) == where)  # fmt: skip
    state = next(ends, None)
    says = f"SYN-SENT, then {state.removeprefix('TCP_')}" if state else "SYN-SENT, and no answer"
    return BackendAttempt(process=one.task, to=where, outcome=_ENDS.get(state or "", "pending"), says=says)


def _destination(one: Record) -> str:
    """The remote end, which is set before the state is: tcp_v4_connect()."""
    get = one.fields.get
    six = get("family") == "AF_INET6"
    address = get("daddrv6" if six else "daddr", "")
    return endpoint(address.removeprefix("::ffff:") if "." in address else address, int(get("dport", "0")))
