"""`listeners-differ`, `listeners-share-port`: the port is served by more than one process, and which one answers
depends on the address used, or on chance: SO_REUSEPORT of socket(7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import seen
from loopdiag.explain.listeners.condition import owners
from loopdiag.explain.listeners.other_address import is_gone
from loopdiag.explain.listeners.serving import WILDCARDS, on_port, serving
from loopdiag.explain.listeners.wording import holders_of, listed, shown, where, who
from loopdiag.explain.own import is_loopback
from loopdiag.model.finding import Certainty, Finding, Fix, Severity
from loopdiag.model.routed import routed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.case import Case
    from loopdiag.model.observation import Observation
    from loopdiag.model.process import Process
    from loopdiag.model.socket import Socket

# Programs that start others which have nothing to do with each other: a parent of that kind makes no family.
LAUNCHERS = frozenset({
    "bash", "busybox", "conmon", "containerd-shim", "cron", "csh", "dash", "dumb-init", "fish", "init", "ksh", "login",
    "make", "nohup", "npm", "pm2", "runit", "runsv", "s6-supervise", "screen", "script", "sh", "sshd", "su", "sudo",
    "supervisord", "systemd", "tcsh", "time", "timeout", "tini", "tmux", "unshare", "zsh",
})  # fmt: skip


def differ(case: Case) -> Iterator[Finding]:
    """Where an address that was asked for is answered by another process than other addresses of the port are."""
    attempts = [one for one in case.worked if one.kind == "tcp-connect" and one.port]
    if not attempts or case.command == "bind-test":
        return
    answering = {one.address: serving(case, one) for one in attempts}
    first = next(iter(answering.values()))
    others = _strangers(case, attempts[0], first)
    if not first or not others:
        return
    asked = [one for found in answering.values() for one in found if one in others]
    yield Finding(
        cause="listeners-differ",
        severity=Severity.WARNING if asked or _easily_confused(attempts[0], first, others) else Severity.NOTE,
        certainty=Certainty.PROVEN if _visible([*first, *others]) else Certainty.LIKELY,
        subject=str(case.target),
        statement=f"different processes answer port {attempts[0].port}: {holders_of([*first, *others])}; which one a "
        f"client gets depends on the address or name that it uses",
        evidence=(*(seen(one) for one in attempts[:3]), *shown([*first, *others])),
        fixes=(
            Fix(f"stop the one that is not wanted, or give it another port: {listed(who(one) for one in others)}"),
            Fix("name the address in full where a certain one is meant, not localhost"),
        ),
    )


def _strangers(case: Case, attempt: Observation, first: Sequence[Socket]) -> list[Socket]:
    """Listeners of the port that can be reached, and belong to another service than `first`."""
    reachable = [one for one in on_port(case, attempt) if not one.device and not is_gone(case, one)]
    return [one for one in reachable if first and all(unrelated(one, mine) for mine in first)
            and one.address not in {mine.address for mine in first}]  # fmt: skip


def _easily_confused(attempt: Observation, first: Sequence[Socket], others: Sequence[Socket]) -> bool:
    """127.0.0.1 beside ::1 (both are localhost), or an exact address beside a wildcard that it takes clients from."""
    if any(one.address in WILDCARDS for one in [*first, *others]):
        return True
    return is_loopback(routed(attempt.address)) and any(one.address in ("127.0.0.1", "::1") for one in others)


def _visible(sockets: Sequence[Socket]) -> bool:
    return all(owners(one) for one in sockets)


def unrelated(one: Socket, other: Socket) -> bool:
    """Certainly not of one service. Where owners are hidden, another user is proof enough."""
    mine, theirs = owners(one), owners(other)
    if not mine or not theirs:
        return one.uid is not None and other.uid is not None and one.uid != other.uid
    return not any(_kin(left, right) for left in mine for right in theirs)


def _kin(one: Process, other: Process) -> bool:
    """The same process, parent and child, or workers of one parent that is more than a launcher."""
    if one.pid == other.pid or one.parent == other.pid or other.parent == one.pid:
        return True
    same_parent = one.parent is not None and one.parent == other.parent and one.parent > 1
    return same_parent and one.name == other.name and not is_launcher(one.parent_name)


def is_launcher(name: str | None) -> bool:
    """A shell, an init, a supervisor. Names are cut to 15 characters: proc_pid_comm(5)."""
    return name is None or name in LAUNCHERS or name.startswith("containerd-shim")


def share(case: Case) -> Iterator[Finding]:
    """Several sockets with the very address and port that was asked for, in processes that are no kin."""
    if case.command == "bind-test":
        return
    told: set[tuple[Socket, ...]] = set()
    for attempt in case.observations:
        group = serving(case, attempt) if attempt.kind in ("tcp-connect", "udp") else ()
        split = [one for one in group if one.address == group[0].address and unrelated(one, group[0])]
        hidden = [one for one in group if one.address == group[0].address and not owners(one)]
        if group in told or not (split or len(hidden) > 1):
            continue
        told.add(group)
        yield _shared(attempt, group, [group[0], *split]) if split else _perhaps_shared(attempt, group)


def _perhaps_shared(attempt: Observation, group: Sequence[Socket]) -> Finding:
    """Sockets of one user whose processes are hidden: workers of one service, or an old one beside a new one."""
    return Finding(
        cause="listeners-share-port",
        severity=Severity.NOTE,
        certainty=Certainty.POSSIBLE,
        subject=attempt.to,
        statement=f"{len(group)} sockets share {where(group[0])} by SO_REUSEPORT, and whose they are is hidden: where "
        f"they are not workers of one service, the answer depends on chance",
        evidence=(seen(attempt), *shown(group)),
        fixes=(Fix("look again as root, which sees the processes"),),
    )


def _shared(attempt: Observation, group: Sequence[Socket], apart: Sequence[Socket]) -> Finding:
    how = "splits connections among them" if group[0].protocol == "tcp" else "gives each datagram to one of them"
    names = listed(who(one) for one in apart)
    return Finding(
        cause="listeners-share-port",
        severity=Severity.WARNING,
        certainty=Certainty.PROVEN if _visible(apart) else Certainty.LIKELY,
        subject=attempt.to,
        statement=f"{names} share {where(group[0])} by SO_REUSEPORT; the kernel {how} by a hash of the client's "
        f"address and port, so the answer depends on chance",
        evidence=(seen(attempt), *shown(group)),
        fixes=(
            Fix("where an old process was left over, end it"),
            Fix("let servers that are not meant to share start without SO_REUSEPORT"),
        ),
    )
