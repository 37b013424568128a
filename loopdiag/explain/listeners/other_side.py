"""What keeps the service from serving in its own namespace, told to who asks from another one."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.model.finding import Finding, Fix, Severity
from loopdiag.model.report import Verdict
from loopdiag.model.side import HOST
from loopdiag.model.target import split_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.side import Side

# The kernel completes connections for these, wherever they come from, and nobody is served.
_HELD_UP = frozenset(
    {"listener-stopped", "listener-out-of-descriptors", "listener-not-accepting", "accept-queue-full"}
)  # fmt: skip
_NETWORK = ("ip", "tc", "nft", "ss", "ipset", "iptables", "ip6tables", "sysctl", "conntrack", "curl")  # by namespace
_WHERE = frozenset({"listener-other-address", "listener-other-family"})  # which between() says in its own way


def of_both(here: Side, there: Side, told: Finding | None) -> tuple[list[Finding], list[Finding]]:
    """What was found from `here`, and the errors found where the service is; `told` is what was said about both."""
    mine = list(here.report.findings) if here.report else []
    others = [] if there.report is None or here.namespace == there.namespace else _errors(there, told)
    same = {one.statement for one in mine} & {one.statement for one in others}
    better = {(one.cause, one.subject) for one in others if not here.listeners and one.statement not in same}
    return (
        [_both(moved(one, here.where), here, there) if one.statement in same else moved(one, here.where)
         for one in mine if not _is_told(one, there, told, others) and (one.cause, one.subject) not in better],
        [_there(moved(one, there.where), here, there) for one in others if one.statement not in same],
    )  # fmt: skip


def _errors(there: Side, told: Finding | None) -> list[Finding]:
    skipped = {"listener-other-namespace", *(_WHERE if told else ())}
    found = there.report.findings if there.report else ()
    return [one for one in found if one.severity is Severity.ERROR and one.cause not in skipped]


def _is_told(one: Finding, there: Side, told: Finding | None, others: Sequence[Finding]) -> bool:
    """By what the other side shows: who listens there, and that the address is its own."""
    if one.cause == "address-not-local" and (told or others):
        return there.has(split_port(one.subject)[0])
    return one.cause == "listener-other-namespace" and told is not None


def _both(one: Finding, here: Side, there: Side) -> Finding:
    return replace(one, statement=f"in {here.where} as in {there.where}: {one.statement}")


def _there(one: Finding, here: Side, there: Side) -> Finding:
    """A note where nothing listens there and the target is served all the same: by somebody else."""
    by_another = not there.listeners and any(each.outcome.good for each in here.observations)
    severity = Severity.NOTE if by_another else one.severity
    return replace(one, statement=f"in {there.where}: {one.statement}", severity=severity)


def verdict_of_both(here: Side, others: Sequence[Finding]) -> Verdict:
    """What is held up serves nobody, whatever connects; another error there leaves what works from here."""
    verdict = Verdict(here.verdict)
    errors = [one for one in others if one.severity is Severity.ERROR]
    if any(one.cause in _HELD_UP for one in errors) and not here.listeners:
        return Verdict.BROKEN
    return Verdict.DEGRADED if errors and verdict is Verdict.WORKS else verdict


def moved(found: Finding, where: str) -> Finding:
    """With commands that do in the namespace called `where` what the finding's would do inside it."""
    fixes = (one if one.run is None else Fix(one.say, inside(one.run, where)) for one in found.fixes)
    return replace(found, fixes=tuple(fixes))


def option(where: str) -> str:
    """What moves a command of loopdiag into that namespace."""
    if where == HOST:
        return ""
    kind, colon, name = where.partition(":")
    if colon and kind in ("pid", "container"):
        return f" --{kind} {shlex.quote(name)}"
    return f" --netns {shlex.quote(where)}"


def inside(run: str, where: str) -> str | None:
    """The command that does this in there: ip-netns(8), nsenter(1). None where no program enters by that name."""
    if where == HOST or run.split()[0].removesuffix("-legacy") not in (*_NETWORK, "loopdiag"):
        return run
    if run.startswith("loopdiag "):
        return f"{run}{option(where)}"
    kind, colon, name = where.partition(":")
    if colon and kind == "container":
        return None
    simple = run if not set(run) & set("|&;<>()$`\n") else f"sh -c {shlex.quote(run)}"
    if colon and kind == "pid":
        return f"nsenter --net --target {name} {simple}"
    if "/" in where:
        return f"nsenter {shlex.quote(f'--net={where}')} {simple}"
    return f"ip netns exec {shlex.quote(where)} {simple}"
