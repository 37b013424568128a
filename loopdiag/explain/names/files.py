"""The resolver's files: unreadable, malformed, or asked in an order that leaves the hosts file out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.names.actions import action
from loopdiag.explain.names.said import (
    NSSWITCH,
    TIMED_OUT,
    addresses,
    asked,
    fits,
    line_evidence,
    lookup,
    order,
    order_evidence,
    severity,
)
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix, Severity
from loopdiag.model.names import as_ipv4
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.names import HostsLine, NameFacts

SLOW = 1.0  # seconds: by then a source asked before the hosts file was waited for


def unreadable(case: Case) -> Iterator[Finding]:
    """A file that decides the answer cannot be read by this user."""
    names = asked(case)
    if names is None:
        return
    for gap in (names.hosts, names.services, names.servers):
        if isinstance(gap, Unknown) and _decides(gap, names):
            yield Finding(
                cause="resolver-file-unreadable",
                severity=Severity.ERROR if names.errno else Severity.WARNING,
                certainty=Certainty.LIKELY,
                subject=gap.what,
                statement=f"{gap.because}, so what it says of {names.name} does not count"
                + ("" if names.errno else " for the programs of this user"),
                evidence=(Evidence(gap.what, gap.because), lookup(names)),
                fixes=(Fix(f"let every user read {gap.what}", f"chmod 644 {gap.what}"),),
            )


def _decides(gap: Unknown, names: NameFacts) -> bool:
    """resolv.conf bears only on names that the hosts file does not give."""
    return gap is not names.servers or (bool(names.errno) and "dns" in order(names).split())


def malformed(case: Case) -> Iterator[Finding]:
    """A line that was meant to give the name an address, and gives none."""
    names = asked(case)
    if names is None or isinstance(names.hosts, Unknown):
        return
    below_localhost = names.name.lower().endswith(".localhost")  # a wildcard for these: see localhost-subdomain
    for line in names.hosts:
        if below_localhost and any("*" in one for one in line.names):
            continue
        if line.fault and not line.commented and _missed(line, case):
            yield Finding(
                cause="hosts-file-malformed",
                severity=Severity.ERROR if names.errno else severity(case, *([line.meant] if line.meant else ())),
                subject=f"{line.file} line {line.line}",
                statement=f"line {line.line} of {line.file}, '{line.text}', gives {names.name} no address: "
                f"{line.fault}",
                evidence=(line_evidence(line), lookup(names)),
                fixes=(Fix(f"write the line as `{line.meant or 'ADDRESS'} {names.name}`"),),
            )  # fmt: skip


def _missed(line: HostsLine, case: Case) -> bool:
    """What the line was meant to give is not among the answers."""
    got = addresses(case)
    if not got:
        return True
    if line.meant:
        return line.meant not in got
    six = ":" in line.address
    return not any((":" in one) == six for one in got)


def nsswitch_order(case: Case) -> Iterator[Finding]:
    """The hosts file has the name, and another source decides, or none."""
    names = asked(case)
    if names is None or isinstance(names.services, Unknown):
        return
    lines = [line for line in names.lines() if fits(line.address, names)]
    at = names.services.index("files") if "files" in names.services else None
    given = {line.address for line in lines} | {as_ipv4(line.address) for line in lines}
    decided = bool(given.intersection(addresses(case)))
    undone = None if decided else _undone(names)
    if not lines or (at == 0 and not undone):
        return
    if decided and (at is None or (names.seconds or 0) < SLOW):
        return
    yield Finding(
        cause="nsswitch-order",
        severity=Severity.WARNING
        if decided
        else Severity.ERROR
        if names.errno
        else severity(case, *(line.address for line in lines)),
        subject=_line(names),
        statement=f"{lines[0].file} line {lines[0].line} gives {names.name} the address {lines[0].address}, but "
        + (f"{undone}: {_result(names, case)}" if undone else _order_says(names, at, case)),
        evidence=(line_evidence(lines[0]), order_evidence(names), lookup(names)),
        fixes=(
            Fix(f"write line {names.services_spoilt} of {NSSWITCH} as nsswitch.conf(5) says")
            if names.services_spoilt
            else Fix(f"begin the hosts line of {NSSWITCH} with files", "hosts: files dns"),
        ),
    )


def _line(names: NameFacts) -> str:
    number = names.services_spoilt or names.services_line
    return f"{NSSWITCH} line {number}" if number else NSSWITCH


def _undone(names: NameFacts) -> str | None:
    """Why the answer of the hosts file does not count although it is asked."""
    if names.services_spoilt:
        return f"line {names.services_spoilt} of {NSSWITCH} cannot be parsed, so the C library asks no source at all"
    if isinstance(names.services, Unknown) or "files" not in names.services:
        return None
    then = action(names.services, "files", "success")
    if then == "return":
        return None
    return (
        f"the hosts line of {NSSWITCH} ({order(names)}) goes on to the next source even where files has the name "
        f"(SUCCESS={then}) and drops its answer where that one has none"
    )


def _result(names: NameFacts, case: Case) -> str:
    if names.errno == TIMED_OUT:
        return f"no answer came within {names.seconds or 0:.1f} s"
    got = ", ".join(addresses(case))
    return f"it gives {got}" if got else f"it gives no address ({names.errno})"


def _order_says(names: NameFacts, at: int | None, case: Case) -> str:
    where = f"the hosts line of {NSSWITCH} ({order(names)})"
    if not names.services_line:
        where = f"{NSSWITCH} has no hosts line, and the C library's default ({order(names)})"
    result = _result(names, case)
    if at is None:
        return f"{where} leaves out files, and {result}"
    first = " ".join(names.services[:at]) if not isinstance(names.services, Unknown) else ""
    slow = f", which took {names.seconds:.1f} s" if addresses(case) and (names.seconds or 0) >= SLOW else ""
    return f"{where} asks {first} first{slow}, and {result}"
