"""A UNIX socket as the target: nobody listens at its path, or nobody accepts: unix(7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.explain.listeners.condition import how_stopped, is_activated, is_out_of_descriptors, owners
from loopdiag.explain.listeners.wording import process_says, who
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix
from loopdiag.model.observation import Outcome, UnixConnect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.socket import UnixSocket


def nobody_there(case: Case) -> Iterator[Finding]:
    """The path is missing, or no process listens on what lies there."""
    for one in case.failed:
        if not isinstance(one, UnixConnect) or one.errno not in ("ENOENT", "ECONNREFUSED", "ENOTDIR"):
            continue
        bound = next((each for each in known(case.facts.unix_sockets) or () if _is_idle(each, one.address)), None)
        if bound:
            yield _not_listening(one, bound)
            continue
        yield Finding(
            cause="no-listener",
            subject=one.address,
            statement=_absent(one),
            evidence=(seen(one),),
            fixes=(Fix("start the service, or look up in its configuration where its socket is"),),
        )


def _is_idle(socket: UnixSocket, path: str) -> bool:
    """A socket of a kind that takes connections has the name, and listen(2) was never called on it."""
    return socket.path == path and socket.state == "UNCONN" and socket.type in ("stream", "seqpacket")


def _not_listening(one: UnixConnect, bound: UnixSocket) -> Finding:
    return Finding(
        cause="bound-not-listening",
        subject=one.address,
        statement=f"{who(bound)} has bound a socket to {one.address}, but does not listen on it, so connections are "
        "refused",
        evidence=(seen(one), Evidence(f"UNIX socket {bound.path}", f"{bound.type}, bound, not listening")),
        fixes=(Fix(f"wait until {who(bound)} has started up, or see why it stopped between bind() and listen()"),),
    )


def _absent(one: UnixConnect) -> str:
    if one.errno != "ECONNREFUSED" or one.address.startswith("@"):
        return f"there is no UNIX socket {one.address}"
    if one.file_type not in (None, "socket"):
        return f"{one.address} is a {one.file_type}, not a socket: nobody can listen on it"
    return f"no process listens on {one.address}: the socket file was left behind"


def why_denied(one: UnixConnect) -> str | None:
    """What connect() to a path takes, where this user does not have it: unix(7), path_resolution(7)."""
    if one.errno != "EACCES":
        return None
    if one.file_type is None:
        return "this user may not search a folder on the way to it"
    if one.file_mode is None or one.file_type != "socket":
        return None
    return (
        "connecting takes write permission on the socket file, which this user does not have: its mode is "
        f"{one.file_mode:04o}, its owner uid {one.file_owner}"
    )


def nobody_accepts(case: Case) -> Iterator[Finding]:
    """The process behind the path is stopped, out of descriptors, hangs, or its accept queue is full."""
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
    elif not any(map(is_activated, held)):
        yield Finding(
            cause="listener-not-accepting", subject=one.address, evidence=evidence,
            certainty=Certainty.PROVEN if held and not any(each.state == "R" for each in held) else Certainty.LIKELY,
            statement=f"{who(listener)} holds the listening socket {listener.path}, but does not accept: the kernel "
            "completes connections, and nobody serves them",
            fixes=(Fix(f"see what {who(listener)} is waiting for; restart it where it hangs"),),
        )  # fmt: skip
