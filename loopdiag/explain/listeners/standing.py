"""What can be said against a listener that nobody has tried yet: its address, its queue, its process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.listeners.condition import how_stopped, is_out_of_descriptors, owners
from loopdiag.explain.listeners.wording import end_of, listed, process_says, queue_of, says, verb, way_in, where, who
from loopdiag.explain.reach import GONE, NONE
from loopdiag.model.finding import Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from loopdiag.model.process import Process
    from loopdiag.model.socket import Socket

MOST = 20  # findings; a host with more has one trouble, not many


def standing(listeners: Collection[Socket]) -> tuple[Finding, ...]:
    """A warning for each listener that nobody reaches, or whose process accepts nobody."""
    found: list[Finding] = []
    samples = {id(one.owners): one for one in listeners}  # most listeners of a crowded host have their owners in common
    troubled = {held_by for held_by, one in samples.items() if any(map(_why, owners(one)))}
    for one in listeners:
        if one.reach == NONE or (one.queue and one.full) or id(one.owners) in troubled:  # few of them
            found += _against(one)
            if len(found) >= MOST:
                break
    return tuple(found)


def elsewhere(port: int, others: Sequence[Socket]) -> tuple[Finding, ...]:
    """A note of who has `port` in other network namespaces, where nobody has it here."""
    listening = [one for one in others if one.peer_port is None][:MOST]
    if not listening:
        return ()
    first = listening[0]
    spaces = listed(one.namespace or "?" for one in listening)
    return (
        Finding(
            cause="listener-other-namespace",
            severity=Severity.NOTE,
            subject=f"port {port}",
            statement=f"nothing listens on port {port} here; {who(first)} {verb(first)} "
            f"{listed(one.local for one in listening)} in another network namespace ({spaces})",
            evidence=tuple(Evidence(f"{one.protocol} socket {where(one)} in {one.namespace}", says(one))
                           for one in listening[:4]),
            fixes=(Fix("see it with its reach", f"loopdiag listeners {port} --all-namespaces"),),
        ),
    )  # fmt: skip


def _against(one: Socket) -> Iterator[Finding]:
    if one.reach == NONE and (one.reach_says or "").startswith(f"nobody: {GONE}"):
        yield _gone(one)
    elif one.protocol == "tcp":
        yield from _held_up(one)


def _gone(one: Socket) -> Finding:
    return Finding(
        cause="listener-address-gone",
        severity=Severity.WARNING,
        subject=one.local,
        statement=f"{who(one)} {verb(one)} {where(one)}, an address that {_loser(one)} no longer has, so nobody "
        "reaches it",
        evidence=(_socket(one), _lost(one)),
        fixes=(
            Fix(f"give the address {one.address} back to an interface"),
            Fix(f"restart {who(one)} on an address that is there, or on every address"),
        ),
    )


def _loser(one: Socket) -> str:
    """Each link has link-local addresses of its own."""
    return one.device if _is_of_link(one) and one.device else _place(one)


def _lost(one: Socket) -> Evidence:
    if _is_of_link(one):
        return Evidence("interfaces", f"{one.device} does not have {one.address}")
    return Evidence("interfaces", f"none has {one.address}, and no local route covers it")


def _is_of_link(one: Socket) -> bool:
    return (one.reach_says or "").endswith(f"{GONE} from {one.device}")


def _held_up(one: Socket) -> Iterator[Finding]:
    held = owners(one)
    reasons = [(process, _why(process)) for process in held]
    if held and all(reason for _, reason in reasons):
        process, reason = reasons[0]
        assert reason is not None
        cause, how = reason
        yield Finding(
            cause=cause,
            severity=Severity.WARNING,
            subject=one.local,
            statement=f"{process} listens on {where(one)}, but {how}, so it accepts nobody",
            evidence=(_socket(one), process_says(process)),
            fixes=(_look(one),),
        )
    elif one.full:
        yield Finding(
            cause="accept-queue-full",
            severity=Severity.WARNING,
            subject=one.local,
            statement=f"the accept queue of {who(one)} on {where(one)} is full: {queue_of(one)}, and new ones get no "
            "answer",
            evidence=(_socket(one),),
            fixes=(Fix(f"find out why {who(one)} does not accept"), _look(one)),
        )


def _why(process: Process) -> tuple[str, str] | None:
    how = how_stopped(process)
    if how:
        return "listener-stopped", f"is {how}"
    if is_out_of_descriptors(process):
        return "listener-out-of-descriptors", "has as many files open as it may"
    return None


def _socket(one: Socket) -> Evidence:
    return Evidence(f"{one.protocol} socket {where(one)}", says(one))


def _look(one: Socket) -> Fix:
    if one.namespace:
        return Fix("ask it, inside its namespace", f"loopdiag why {way_in(one)} {end_of(one)}")
    return Fix("ask it", f"loopdiag why {end_of(one)}")


def _place(one: Socket) -> str:
    return f"the namespace {one.namespace}" if one.namespace else "this host"
