"""A UNIX socket as the target: nobody listens at its path, or nobody accepts: unix(7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.listeners.condition import how_stopped, is_out_of_descriptors, owners
from loopdiag.explain.listeners.wording import process_says, who
from loopdiag.model.finding import Evidence, Finding, Fix
from loopdiag.model.observation import Outcome, UnixConnect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.socket import UnixSocket


def nobody_there(case: Case) -> Iterator[Finding]:
    """The path is missing, or its socket file was left behind by a process that is gone."""
    for one in case.failed:
        if not isinstance(one, UnixConnect) or one.errno not in ("ENOENT", "ECONNREFUSED", "ENOTDIR"):
            continue
        left = one.errno == "ECONNREFUSED"
        said = (f"no process listens on {one.address}: the socket file was left behind" if left
                and not one.address.startswith("@") else f"there is no UNIX socket {one.address}")  # fmt: skip
        yield Finding(
            cause="no-listener",
            subject=one.address,
            statement=said,
            evidence=(seen(one),),
            fixes=(Fix("start the service, or look up in its configuration where its socket is"),),
        )


def nobody_accepts(case: Case) -> Iterator[Finding]:
    """The process behind the path is stopped, out of descriptors, or its accept queue is full."""
    sockets = known(case.facts.unix_sockets) or ()
    for one in case.observations:
        if not isinstance(one, UnixConnect) or one.outcome not in (Outcome.CONNECTED, Outcome.TIMED_OUT):
            continue
        listener = next((each for each in sockets if each.path == one.address and each.state == "LISTEN"), None)
        if listener is not None and (listener.queue or one.outcome is Outcome.TIMED_OUT):
            yield from _of(one, listener)


def _of(one: UnixConnect, listener: UnixSocket) -> Iterator[Finding]:
    held = owners(listener)
    queue = Evidence(
        f"UNIX socket {listener.path}", f"{listener.queue} wait in its accept queue (limit {listener.queue_limit})"
    )
    evidence = (seen(one), queue, *(process_says(each) for each in held[:2]))
    how = [how_stopped(each) for each in held]
    if held and all(how):
        fix = Fix(f"let {held[0]} go on", f"kill -CONT {held[0].pid}")
        yield Finding(cause="listener-stopped", subject=one.address, evidence=evidence, fixes=(fix,),
                      statement=f"{who(listener)}, which listens on {listener.path}, is {how[0]}")  # fmt: skip
    elif held and all(map(is_out_of_descriptors, held)):
        yield Finding(
            cause="listener-out-of-descriptors", subject=one.address, evidence=evidence,
            statement=f"{who(listener)}, which listens on {listener.path}, may open no more files",
            fixes=(Fix("raise its limit of open files"),),
        )  # fmt: skip
    elif one.outcome is Outcome.TIMED_OUT:
        yield Finding(
            cause="accept-queue-full", subject=one.address, evidence=evidence,
            statement=f"the accept queue of {listener.path} is full, and {who(listener)} takes none out of it",
            fixes=(Fix(f"see why {who(listener)} does not accept; restart it where it hangs"),),
        )  # fmt: skip
