"""Topic `backends`: which connections another process opens whenever it serves one of ours."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

from loopdiag.host.linux.trace.instance import Tracepoint, make_instance
from loopdiag.host.linux.trace.lines import parse
from loopdiag.model.address import endpoint
from loopdiag.model.service import BackendAttempt
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loopdiag.host.linux.trace.lines import Record

TRACEPOINTS = (Tracepoint("sock/inet_sock_set_state", "protocol == 6", required=True),)
ROUND, PAUSE, END = "loopdiag: round", "loopdiag: pause", "loopdiag: end"
ROUNDS = 3
SETTLE = 0.03  # seconds after each round in which nothing is asked: what happens then too has nothing to do with us
_ENDS = {"TCP_ESTABLISHED": "connected", "TCP_CLOSE": "refused"}


def watch_connects(serve: Callable[[], object], *, rounds: int = ROUNDS) -> tuple[BackendAttempt, ...] | Unknown:
    """Call `serve`, which makes a connection and waits for its end, several times while the kernel records the states
    of all TCP sockets; returns the connections that others begin each time and at no other.

    The record is of the whole machine, so happening once tells nothing. Needs root (CAP_SYS_ADMIN); else Unknown says
    so, and `serve` is not called.
    """
    instance = make_instance(TRACEPOINTS)
    if isinstance(instance, Unknown):
        return instance
    text = ""
    try:
        for _ in range(rounds):
            instance.mark(ROUND)
            serve()
            instance.mark(PAUSE)
            time.sleep(SETTLE)
            text += instance.read()
        instance.mark(END)
    except OSError as fault:  # EBADF, where the buffer is full: tracing_mark_write() of the kernel
        return Unknown("connections of other processes", f"the kernel's record of them broke off: {fault.strerror}")
    finally:
        text += instance.read()
        instance.close()
    return connects_in(text)


def connects_in(text: str) -> tuple[BackendAttempt, ...]:
    """The connections that were begun in every round and in few pauses, with what became of the last of each.

    In one pause of several it may be a round before that is tried again.
    """
    records, _ = parse(text)
    rounds, pauses = list(_between(records, ROUND)), list(_between(records, PAUSE))
    if not rounds:
        return ()
    begun = [{_key(one): at for at, one in _begun(part)} for part in rounds]
    other = [{_key(one) for _, one in _begun(part)} for part in pauses]
    always = [
        key
        for key in begun[-1]
        if all(key in each for each in begun) and sum(key in each for each in other) * 2 <= len(other)
    ]
    return tuple(_attempt(*key, rounds[-1][begun[-1][key] + 1 :]) for key in always)


def _between(records: Sequence[Record], mark: str) -> Iterator[list[Record]]:
    """The records from each such mark to the next mark."""
    marks = [at for at, one in enumerate(records) if one.text in (ROUND, PAUSE, END)]
    for start, end in pairwise(marks):
        if records[start].text == mark:
            yield list(records[start : end + 1])


def _begun(part: Sequence[Record]) -> Iterator[tuple[int, Record]]:
    """Where others begin to connect; the first record is our own mark."""
    for at, one in enumerate(part):
        if one.fields.get("newstate") == "TCP_SYN_SENT" and one.pid != part[0].pid:
            yield at, one


def _key(one: Record) -> tuple[str | None, str]:
    return one.task, _destination(one)


def _attempt(process: str | None, where: str, after: Sequence[Record]) -> BackendAttempt:
    ends = (each.fields.get("newstate", "") for each in after
            if each.fields.get("oldstate") == "TCP_SYN_SENT" and _destination(each) == where)  # fmt: skip
    state = next(ends, None)
    says = f"SYN-SENT, then {state.removeprefix('TCP_')}" if state else "SYN-SENT, and no answer"
    return BackendAttempt(process=process, to=where, outcome=_ENDS.get(state or "", "pending"),
                          says=f"{says}, whenever a connection is made here")  # fmt: skip


def _destination(one: Record) -> str:
    """The remote end, which is set before the state is: tcp_v4_connect()."""
    get = one.fields.get
    six = get("family") == "AF_INET6"
    address = get("daddrv6" if six else "daddr", "")
    return endpoint(address.removeprefix("::ffff:") if "." in address else address, int(get("dport", "0")))
